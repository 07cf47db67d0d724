// A handler acknowledges by what it returns or by its ack, not by both.
// error: weft: a handler that takes an ack acknowledges with it

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
    using returned = int;
#else
    using returned = void;
#endif
    auto handler = weft::socketio::detail::make_event_handler<peer>(
        [](peer&, weft::socketio::ack) { return returned(); });
    static_cast<void>(handler);
}

}  // namespace
