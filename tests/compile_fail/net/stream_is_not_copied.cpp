// A handler borrows its stream; what it keeps is the conn_id.
// error: use of deleted function

#include "net/byte_stream.hpp"

struct keeper {
    weft::conn_id id;
    void remember(weft::net::byte_stream& stream) {
        id = stream.id();
#ifdef WEFT_SHOULD_FAIL
        weft::net::byte_stream copy(stream);
#endif
    }
};
