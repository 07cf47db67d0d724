// The code of docs/guide/origins.md: compiled, and compared with the page by
// tests/structure/docs_code_test.py.

#include <weft/weft.hpp>

namespace origins_guide {

namespace auth = weft::auth;
namespace http = weft::http;
namespace socketio = weft::socketio;

void websocket(weft::server& server) {
    server.ws("/chat", {.origins = {"https://app.example.org", "http://localhost:3000"}});
}

void socket_io(weft::server& server) {
    socketio::options options;
    options.engine.cors = weft::engineio::cors_options{
        .origins = {"https://app.example.org"},
        .credentials = true,  // with their cookies
    };
    socketio::server io(server, options);
}

weft::server_options behind_a_tunnel() {
    weft::server_options options;
    options.http.public_origins = {"https://example.org"};
    return options;
}

/// A page of another origin asks. Browsers say so (Safari since 2023), and no page can change
/// what they say.
bool is_foreign(const http::request& asked) {
    const auto site = asked.header("sec-fetch-site");
    return site == "cross-site" || site == "same-site";
}

void routes(weft::server& server) {
    (void)server.http().before("/api", [](const http::request& asked) -> weft::admission<void> {
        if (asked.method() != http::method::get && is_foreign(asked))
            return weft::refusal(403, "not for pages of other origins");
        return true;
    });
    server.sse("/events").on_accept([](const http::request& asked) { return !is_foreign(asked); });
}

void cookies(auth::options& options) {
    options.from.cookie = "__Host-token";
    options.from.cookie_origins = {"https://app.example.org"};
}

}  // namespace origins_guide
