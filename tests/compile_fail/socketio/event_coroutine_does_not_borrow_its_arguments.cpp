// error: weft: a coroutine handler may not borrow its arguments
#include <weft/socketio/space.hpp>

void set_up(weft::socketio::space& io) {
#ifdef WEFT_SHOULD_FAIL
    io.on("say",
          [](weft::socketio::socket_ref, std::string_view) -> weft::task<void> { co_return; });
#else
    io.on("say", [](weft::socketio::socket_ref, std::string) -> weft::task<void> { co_return; });
#endif
}
