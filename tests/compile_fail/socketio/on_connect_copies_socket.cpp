// A socket is lent, not copied.
// error: weft: this handler takes \(socket&, \.\.\.\)

#include <weft/socketio/server.hpp>

void set_up(weft::socketio::server& io) {
#ifdef WEFT_SHOULD_FAIL
    io.on_connect([](weft::socketio::socket) {});
#else
    io.on_connect([](weft::socketio::socket&) {});
#endif
}
