// The Socket.IO server of the comparison on weft, event by event as bench/peers/node_socketio.mjs.

#include <cstdio>
#include <string_view>

#include <weft/server/server.hpp>
#include <weft/socketio/server.hpp>

int main() {
    weft::server server;
    weft::socketio::server io(server);
    using weft::socketio::socket;
    io.on("echo", [](socket&, std::string_view text) { return text; });
    io.on("publish", [](socket& s, std::string_view text) { s.broadcast().emit("said", text); });
    const auto port = server.listen({.host = "127.0.0.1", .port = 0});
    if (!port) {
        std::fprintf(stderr, "socketio_echo: %s\n", port.error().message().c_str());
        return 1;
    }
    std::printf("listening on ws://127.0.0.1:%d/socket.io/\n", int{*port});
    std::fflush(stdout);
    return server.run();
}
