// A socket is lent, not copied.
// error: weft: a handler takes the socket by reference, as socket&

#include <weft/socketio/server.hpp>

void set_up(weft::socketio::server& io) {
#ifdef WEFT_SHOULD_FAIL
    io.on("say", [](weft::socketio::socket, int) {});
#else
    io.on("say", [](weft::socketio::socket&, int) {});
#endif
}
