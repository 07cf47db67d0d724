// A coroutine outlives the text that was received.
// error: weft: a coroutine handler may not borrow its arguments

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
    using text = std::string_view;
#else
    using text = std::string;
#endif
    auto handler = weft::socketio::detail::make_event_handler<peer>(
        [](peer_ref, std::optional<text>) -> weft::task<void> { co_return; });
    static_cast<void>(handler);
}

}  // namespace
