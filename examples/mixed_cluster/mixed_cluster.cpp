// One chat on two servers: this one, and server.mjs on Node. A Redis between them makes them a
// cluster, so it does not matter which one a page comes from. index.html is the page of both.
//
//     weft_example_mixed_cluster [FOLDER OF THE PAGE [PORT [PORT OF REDIS]]]

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include <weft/weft.hpp>

namespace {

using weft::socketio::socket;
using weft::socketio::socket_ref;

/// What `data` has on both servers.
struct visitor {
    std::string name;
};
WEFT_FIELDS(visitor, name)

void set_up_chat(weft::socketio::server& io) {
    io.on_connect([](socket& s) { s.emit("welcome", "Weft"); });

    io.on("join", [&io](socket& s, std::string_view name) {
        s.data<visitor>().name = name;
        s.join("chat");
        io.to("chat").emit("joined", name);
    });
    io.on("say", [&io](socket& s, std::string_view text) {
        io.to("chat").emit("said", s.data<visitor>().name, text);
    });
    io.on("who", [&io](socket_ref) -> weft::task<std::vector<std::string>> {
        std::vector<std::string> names;
        for (const auto& each : (co_await io.in("chat").fetch_sockets()).sockets) {
            if (auto told = weft::from_json<visitor>(each.data)) names.push_back(told->name);
        }
        co_return names;
    });
}

std::uint16_t port_of(int argc, char** argv, int which, std::uint16_t otherwise) {
    if (argc <= which) return otherwise;
    const std::string_view text = argv[which];
    std::from_chars(text.data(), text.data() + text.size(), otherwise);
    return otherwise;
}

}  // namespace

int main(int argc, char** argv) {
    weft::stderr_log log;
    weft::server_options options{.log = &log};
    options.cluster = weft::cluster::options{.redis = {.port = port_of(argc, argv, 3, 6379)}};
    weft::server server{options};
    weft::socketio::server io{server};
    set_up_chat(io);

    const auto page = weft::http::static_files::make(argc > 1 ? argv[1] : ".");
    if (!page) {
        std::fprintf(stderr, "mixed_cluster: %s\n", page.error().message().c_str());
        return 1;
    }
    (void)server.http().get("/*path", *page);

    const auto listening =
        server.listen({.host = "127.0.0.1", .port = port_of(argc, argv, 2, 8080)});
    if (!listening) {
        std::fprintf(stderr, "mixed_cluster: %s\n", listening.error().message().c_str());
        return 1;
    }
    std::printf("listening on http://127.0.0.1:%u/\n", unsigned{*listening});
    std::fflush(stdout);
    return server.run();
}
