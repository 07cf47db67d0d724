// A room server: WebSockets, JSON over HTTP and the files of a page, on one port under TLS. SIGHUP
// reads the certificate again, SIGTERM sends everyone home.
//
//     weft_example_rooms CERTIFICATE KEY FOLDER [PORT]

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include <weft/weft.hpp>

namespace {

namespace http = weft::http;

struct visitor {
    std::string name;
};

struct line {
    std::string from;
    std::string text;
};
WEFT_FIELDS(line, from, text)

struct attendance {
    std::string room;
    std::size_t visitors;
};
WEFT_FIELDS(attendance, room, visitors)

void set_up_rooms(weft::server& server) {
    server.ws<visitor>("/rooms/:room")
        .on_accept([](const http::handshake& asked) -> weft::admission<visitor> {
            const auto name = asked.query_value("name");
            if (!name || name->empty()) return weft::refusal(400, "say who you are: ?name=...");
            return visitor{*name};
        })
        .on_open([](auto& c) { c.subscribe(c.param("room")); })
        .on_message([](auto& c, weft::message_view said) {
            c.publish(c.param("room"), weft::to_json(line{c->name, std::string(said.text())}));
        });

    (void)server.http().get(
        "/rooms/:room", [&server](http::owned_request asked) -> weft::task<http::response> {
            const std::string room(asked.param("room"));
            const std::size_t visitors = co_await server.subscriber_count(room);
            co_return http::response::json(200, weft::to_json(attendance{room, visitors}));
        });
    (void)server.http().post("/rooms/:room", [&server](const http::request& asked) {
        const auto said = weft::from_json<line>(asked.body_text());
        if (!said) return http::response::text(400, said.error().message());
        server.publish(asked.param("room"), weft::to_json(*said));
        return http::response(204);
    });
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 4) return std::fputs("usage: rooms CERTIFICATE KEY FOLDER [PORT]\n", stderr), 2;
    weft::server server;
    set_up_rooms(server);
    const auto page = http::static_files::make(argv[3]);
    if (!page) return std::fprintf(stderr, "rooms: %s\n", page.error().message().c_str()), 1;
    (void)server.http().get("/*path", *page);

    std::uint16_t port = 8443;
    if (argc > 4) std::from_chars(argv[4], argv[4] + std::string_view(argv[4]).size(), port);
    const weft::tls_options tls{.certificates = {{.cert_file = argv[1], .key_file = argv[2]}}};
    const auto listening = server.listen({.host = "127.0.0.1", .port = port, .tls = tls});
    if (!listening)
        return std::fprintf(stderr, "rooms: %s\n", listening.error().message().c_str()), 1;
    std::printf("listening on https://127.0.0.1:%u/\n", unsigned{*listening});
    std::fflush(stdout);
    return server.run();
}
