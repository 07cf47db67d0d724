// A coroutine keeps the reference, not what it refers to.
// error: weft: a coroutine handler takes its parameters by value

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
    using text = const std::string&;
#else
    using text = std::string;
#endif
    auto handler = weft::socketio::detail::make_event_handler<peer>(
        [](peer_ref, text) -> weft::task<void> { co_return; });
    static_cast<void>(handler);
}

}  // namespace
