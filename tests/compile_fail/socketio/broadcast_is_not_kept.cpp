// error: passing .* as .this. argument discards qualifiers
#include <string>

#include <weft/socketio/space.hpp>

void say(weft::socketio::space& io, const std::string& room) {
#ifdef WEFT_SHOULD_FAIL
    auto phrase = io.to(room + "!");
    phrase.emit("said");  // the name of the room is gone
#else
    io.to(room + "!").emit("said");
#endif
}
