// A handler borrows its connection; what it keeps is the conn_id.
// error: use of deleted function

#include <weft/ws/endpoint.hpp>

struct keeper {
    weft::conn_id id;
    void remember(weft::ws::connection<int>& c) {
        id = c.id();
#ifdef WEFT_SHOULD_FAIL
        weft::ws::connection<int> copy(c);
#endif
    }
};
