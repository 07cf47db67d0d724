// A handler of another shape gets one readable line.
// error: weft: on_message takes \(connection<T>&, message_view\), or is a coroutine

#include <string>

#include <weft/ws/endpoint.hpp>

void set_up(weft::ws::endpoint<void>& endpoint) {
#ifdef WEFT_SHOULD_FAIL
    endpoint.on_message([](weft::ws::connection<void>&, std::string) {});
#else
    endpoint.on_message([](weft::ws::connection<void>& c, weft::message_view m) { c.send(m); });
#endif
}
