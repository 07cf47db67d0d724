// A pong carries bytes, not a text.
// error: weft: on_pong takes \(connection<T>&, byte_view\)

#include <weft/ws/endpoint.hpp>

void set_up(weft::ws::endpoint<void>& endpoint) {
#ifdef WEFT_SHOULD_FAIL
    endpoint.on_pong([](weft::ws::connection<void>&, int) {});
#else
    endpoint.on_pong([](weft::ws::connection<void>&, weft::byte_view) {});
#endif
}
