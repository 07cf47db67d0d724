// Who decides about a client sees its handshake.
// error: weft: on_accept takes \(const http::handshake&\)

#include <weft/ws/endpoint.hpp>

void set_up(weft::ws::endpoint<void>& endpoint) {
#ifdef WEFT_SHOULD_FAIL
    endpoint.on_accept([](int) { return true; });
#else
    endpoint.on_accept([](const weft::http::handshake&) { return true; });
#endif
}
