// A coroutine outlives the call, and so the socket that was lent for it.
// error: weft: a coroutine may not borrow the socket; take a socket_ref by value instead

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
    using first = peer&;
#else
    using first = peer_ref;
#endif
    auto handler = weft::socketio::detail::make_event_handler<peer>(
        [](first, int) -> weft::task<void> { co_return; });
    static_cast<void>(handler);
}

}  // namespace
