// An argument without a codec is refused in one line.
// error: weft: an event cannot carry this type

#include <string>
#include <string_view>

#include <weft/socketio/detail/typed.hpp>

namespace {

struct peer_ref {};
struct peer {
    using ref_type = peer_ref;
    peer_ref ref() { return {}; }
};

struct unknown {};

void set_up() {
#ifdef WEFT_SHOULD_FAIL
    using argument = unknown;
#else
    using argument = int;
#endif
    auto handler = weft::socketio::detail::make_event_handler<peer>([](peer&, argument) {});
    static_cast<void>(handler);
    static_cast<void>(unknown());
}

}  // namespace
