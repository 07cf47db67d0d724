// error: weft: a middleware returns bool, result<void>, refusal or admission
#include <string>

#include <weft/socketio/space.hpp>

void set_up(weft::socketio::space& io) {
#ifdef WEFT_SHOULD_FAIL
    io.use([](weft::socketio::socket&) { return std::string("yes"); });
#else
    io.use([](weft::socketio::socket&) { return true; });
#endif
}
