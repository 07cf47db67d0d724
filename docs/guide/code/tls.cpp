// The code of docs/guide/tls.md: compiled, and compared with the page by
// tests/structure/docs_code_test.py.

#include <weft/weft.hpp>

namespace tls_guide {

namespace http = weft::http;

int serve(weft::server& server) {
    return server.run(
        {.port = 443,
         .tls = weft::tls_options{.certificates = {{.cert_file = "/etc/weft/example.org.pem",
                                                    .key_file = "/etc/weft/example.org.key"}}}});
}

weft::result<std::uint16_t> several_names(weft::server& server) {
    weft::tls_options tls;
    tls.certificates = {
        {.cert_file = "example.org.pem", .key_file = "example.org.key"},
        {.cert_file = "lab.pem", .key_file = "lab.key", .host_names = {"*.lab.example.org"}}};
    tls.unknown_name = weft::tls_unknown_name::alert;
    return server.listen({.port = 443, .tls = tls});
}

void to_https(weft::server& server) {
    (void)server.listen({.port = 80});
    server.http().before([](const http::request& asked) -> std::optional<http::response> {
        if (asked.peer().secure()) return std::nullopt;
        return http::response::redirect(308, "https://example.org" + std::string(asked.target()));
    });
}

void reload(weft::server& server) {
    (void)server.http().post("/admin/reload", [&server](const http::request&) {
        const auto done = server.reload_certificates();
        return done ? http::response(204) : http::response::text(500, done.error().message());
    });
}

void trust(weft::loop& loop) {
    weft::ws::client feed(loop, {.url = "wss://intranet.example.org/feed"},
                          {.ca_file = "/etc/weft/our_ca.pem"});
    weft::socketio::client chat(loop, {.url = "https://intranet.example.org"},
                                {.system_cas = false, .ca_file = "/etc/weft/our_ca.pem"});
}

}  // namespace tls_guide
