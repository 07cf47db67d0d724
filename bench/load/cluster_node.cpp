// A server of a cluster for cluster_cost.py: its Socket.IO clients are in the room "all", as those
// of bench/peers/node_cluster.mjs; its WebSockets are subscribed to the topic "all" and publish
// there what they say.
//
//     cluster_node PORT_OF_REDIS

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include <weft/server/server.hpp>
#include <weft/socketio/server.hpp>

int main(int argc, char** argv) {
    weft::server_options options;
    options.cluster.emplace();
    if (argc > 1) options.cluster->redis.port = static_cast<std::uint16_t>(std::atoi(argv[1]));
    weft::server server(options);
    weft::socketio::server io(server);
    io.on_connect([](weft::socketio::socket& s) { s.join("all"); });
    server.ws("/topic")
        .on_open([](auto& c) { c.subscribe("all"); })
        .on_message([](auto& c, weft::message_view what) { c.publish("all", what); });
    const auto port = server.listen({.host = "127.0.0.1", .port = 0});
    if (!port) {
        std::fprintf(stderr, "cluster_node: %s\n", port.error().message().c_str());
        return 1;
    }
    std::printf("listening on ws://127.0.0.1:%d/socket.io/\n", int{*port});
    std::fflush(stdout);
    return server.run();
}
