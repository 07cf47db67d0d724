// Only an accepted handshake makes a connection.
// error: is private within this context

#include <weft/ws/endpoint.hpp>

int use(weft::ws::connection<int>& c) {
#ifdef WEFT_SHOULD_FAIL
    weft::ws::connection<int> made(7);
    return made.data();
#else
    return c.data();
#endif
}
