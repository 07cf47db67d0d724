// error: weft: a coroutine may not borrow the socket; take a socket_ref instead
#include <weft/socketio/space.hpp>

void set_up(weft::socketio::space& io) {
#ifdef WEFT_SHOULD_FAIL
    io.use([](weft::socketio::socket&) -> weft::task<bool> { co_return true; });
#else
    io.use([](weft::socketio::socket_ref) -> weft::task<bool> { co_return true; });
#endif
}
