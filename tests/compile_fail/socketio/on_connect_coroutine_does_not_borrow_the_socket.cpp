// error: weft: a coroutine may not borrow the socket; take a socket_ref instead
#include <weft/socketio/space.hpp>

void set_up(weft::socketio::space& io) {
#ifdef WEFT_SHOULD_FAIL
    io.on_connect([](weft::socketio::socket&) -> weft::task<void> { co_return; });
#else
    io.on_connect([](weft::socketio::socket_ref) -> weft::task<void> { co_return; });
#endif
}
