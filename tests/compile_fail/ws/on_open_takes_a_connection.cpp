// A handler with another endpoint's data type gets one readable line.
// error: weft: on_open takes \(connection<T>&\)

#include <weft/ws/endpoint.hpp>

void set_up(weft::ws::endpoint<int>& endpoint) {
#ifdef WEFT_SHOULD_FAIL
    endpoint.on_open([](weft::ws::connection<long>&) {});
#else
    endpoint.on_open([](weft::ws::connection<int>& c) { c.data() = 1; });
#endif
}
