// Rooms: whoever connects to /chat/NAME hears what the others in that room say. README.md shows
// this program.

#include <weft/weft.hpp>

struct visitor {
    int sent = 0;
};

int main() {
    weft::stderr_log log;
    weft::server server{{.log = &log}};

    server.ws<visitor>("/chat/:room")
        .on_open([](auto& c) { c.subscribe(c.param("room")); })
        .on_message([](auto& c, weft::message_view m) {
            ++c->sent;
            c.publish(c.param("room"), m);
        })
        .on_close([](auto& c, const weft::ws::close_event&) {
            c.publish(c.param("room"),
                      "somebody left after " + std::to_string(c->sent) + " messages");
        });

    return server.run({.port = 8080});
}
