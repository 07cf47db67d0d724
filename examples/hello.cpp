// WebSocket and Socket.IO on one port: rooms to chat in, events that are acknowledged. README.md
// shows this program.

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

    using weft::socketio::socket;
    weft::socketio::server io{server};  // long-polling and WebSocket, at /socket.io/
    io.on_connect([](socket& s) { s.join("lobby"); });
    io.on("say", [](socket& s, std::string text) { s.to("lobby").emit("said", s.id(), text); });
    io.on("sum", [](socket&, int a, int b) { return a + b; });  // what is returned acknowledges

    return server.run({.port = 8080});
}
