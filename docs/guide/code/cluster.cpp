// The code of docs/guide/cluster.md: compiled, and compared with the page by
// tests/structure/docs_code_test.py.

#include <string>
#include <string_view>

#include <weft/weft.hpp>

namespace cluster_guide {

using weft::socketio::ack;
using weft::socketio::raw_arguments;
using weft::socketio::socket_ref;

void log(std::string_view what);

void serve() {
    weft::server_options options;
    options.cluster = weft::cluster::options{.redis = {.host = "redis.internal"}};
    weft::server server{options};
    weft::socketio::server io{server};

    server.on_cluster_gap([](weft::cluster::gap now) {
        if (now == weft::cluster::gap::ends) log("messages of other servers were missed");
    });
    (void)server.http().get("/ready", [&server](const weft::http::request&) {
        const auto judged = server.ready();
        return judged ? weft::http::response::text(200, "ready\n")
                      : weft::http::response::text(503, judged.error().message());
    });
    server.run({.port = 8080});
}

void recover() {
    weft::server_options options;
    options.cluster = weft::cluster::options{.adapter = weft::cluster::adapter_kind::streams};
    weft::server server{options};
    weft::socketio::server io{server,
                              {.connection_state_recovery = weft::socketio::recovery_options{}}};
    io.on("say", [&io](socket_ref, std::string room, std::string text) -> weft::task<bool> {
        const auto stored = co_await io.to(room).emit_stored("said", text);
        co_return bool(stored);
    });
    server.run({.port = 8080});
}

void carry(weft::server_options& options, const std::string& secret) {
    weft::cluster::node_options nodes;
    nodes.host = "10.0.0.7";  // of this machine, in a network that only the nodes share
    nodes.secret = secret;    // the same for all of them
    options.cluster->nodes = nodes;
}

weft::task<void> ask(weft::socketio::server& io) {
    const auto found = co_await io.in("lobby").fetch_sockets();
    for (const auto& one : found.sockets) log(one.id);
    if (found.silent.count != 0) log("some servers did not answer");

    io.on_server_side("load", [](const raw_arguments&, ack done) { done(0.5); });
    const auto loads = co_await io.server_side_emit_with_ack<double>("load");
    for (const weft::result<double>& one : loads.answers) log(one ? "busy" : "no number");
}

}  // namespace cluster_guide
