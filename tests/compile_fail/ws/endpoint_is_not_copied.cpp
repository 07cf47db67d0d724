// Connections refer to their endpoint, which stays where the server made it.
// error: use of deleted function

#include <weft/server/server.hpp>

void set_up(weft::server& server) {
#ifdef WEFT_SHOULD_FAIL
    auto endpoint = server.ws("/chat");
#else
    auto& endpoint = server.ws("/chat");
#endif
    endpoint.on_message([](auto& c, weft::message_view m) { c.send(m); });
}
