// A socket is lent, not copied.
// error: weft: a middleware takes \(socket&\)

#include <weft/socketio/server.hpp>

void set_up(weft::socketio::server& io) {
#ifdef WEFT_SHOULD_FAIL
    io.use([](weft::socketio::socket) { return true; });
#else
    io.use([](weft::socketio::socket&) { return true; });
#endif
}
