// What has no type cannot be decoded.
// error: weft: an event handler names the types of its parameters

#include <string>
#include <string_view>

#include <weft/socketio/detail/typed.hpp>

namespace {

struct peer_ref {};
struct peer {
    using ref_type = peer_ref;
    peer_ref ref() { return {}; }
};

void set_up() {
#ifdef WEFT_SHOULD_FAIL
    auto handler = weft::socketio::detail::make_event_handler<peer>([](auto&, int) {});
#else
    auto handler = weft::socketio::detail::make_event_handler<peer>([](peer&, int) {});
#endif
    static_cast<void>(handler);
}

}  // namespace
