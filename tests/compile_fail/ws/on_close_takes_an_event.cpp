// on_close is told how it ended.
// error: weft: on_close takes \(connection<T>&, const close_event&\)

#include <weft/ws/endpoint.hpp>

void set_up(weft::ws::endpoint<void>& endpoint) {
#ifdef WEFT_SHOULD_FAIL
    endpoint.on_close([](weft::ws::connection<void>&) {});
#else
    endpoint.on_close([](weft::ws::connection<void>&, const weft::ws::close_event&) {});
#endif
}
