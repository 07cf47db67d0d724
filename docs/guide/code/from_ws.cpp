// The code of docs/guide/from-ws.md: compiled, and compared with the page by
// tests/structure/docs_code_test.py.

#include <weft/weft.hpp>

namespace from_ws {

using namespace std::chrono_literals;
namespace http = weft::http;
namespace ws = weft::ws;

void log(std::string_view what);
bool known(std::string_view token);

int echo() {
    weft::server server;
    server.ws("/chat").on_message([](auto& c, weft::message_view data) { c.send(data); });
    return server.run({.port = 8080});
}

void endpoints(weft::server& server) {
    server.ws("/chat").on_accept([](const http::handshake& request) -> weft::admission<> {
        if (!known(request.header("x-token"))) return weft::refusal(401);
        return weft::admission<>(true).header("Set-Cookie", "seen=1");
    });
}

weft::task<void> server_calls(weft::server& server, weft::conn_id id) {
    const auto port = server.listen({.host = "127.0.0.1", .port = 0});
    if (!port) log(port.error().message());
    auto& chat = server.ws("/chat");
    chat.on_open([](auto&, const http::handshake& request) { log(request.url()); });
    log(std::to_string(chat.connection_count()));
    co_await chat.visit([](auto& c) { c.send("hi"); });
    co_await chat.visit(id, [](auto& c) { c.close(); });
    (void)server.send(id, "hi");
    server.publish("everyone", "hi");
    server.drain(10s);
    server.stop();
}

void server_options(ws::options& options) {
    options.subprotocols = {"v2", "v1"};
    options.max_message = 100 * 1024 * 1024;
    options.auto_pong = false;
    options.close_timeout = 30s;
    options.deliver_while_closing = true;
    options.deflate = ws::deflate_options{};
    options.deflate = ws::deflate_options{.context_takeover = false};
    options.deflate = ws::deflate_options{.window_bits = 10};
    options.deflate = ws::deflate_options{.level = 3, .threshold = 2048};
}

void client_calls(weft::loop& loop) {
    ws::client socket(loop, {.url = "wss://example.org/chat"});
    if (auto begun = socket.connect(); !begun) log(begun.error().message());
    socket.on_failure([](auto&, const ws::connect_failure& why) { log(why.why.message()); });
    log(socket.is_open() ? "open" : "not open");
}

void client_options(ws::client_options& options, weft::tls_client_options& tls) {
    options.subprotocols = {"v2", "v1"};
    options.max_redirects = 10;
    options.handshake_timeout = 5s;
    options.headers = {{"x-token", "abc"}};
    options.origin = "https://example.org";
    options.url = "wss://user:password@example.org/";
    options.url = "ws+unix:/run/chat.sock:/path";
    options.proxy = "http://proxy:3128";
    options.deflate = ws::deflate_options{};
    tls.ca_file = "ca.pem";
    tls.certificate = weft::tls_certificate{.cert_file = "me.pem", .key_file = "me.key"};
    tls.verification = weft::tls_verification::insecure_none;
    options.reconnect = ws::backoff{};
}

void handlers(ws::endpoint<void>& chat) {
    chat.on_open([](auto&) { log("open"); });
    chat.on_message(
        [](auto&, weft::message_view data) { log(data.is_text() ? "text" : "binary"); });
    chat.on_ping([](auto&, weft::byte_view) { log("ping"); });
    chat.on_pong([](auto&, weft::byte_view) { log("pong"); });
    chat.on_close([](auto&, const ws::close_event& how) { log(how.reason); });
}

void socket(ws::connection<void>& c, weft::byte_view data) {
    c.send("text");
    c.send(data);
    c.send(weft::message::text("text", {.uncompressed = true}));
    c.send("text", [](std::error_code error) { log(error.message()); });
    c.send_fragment("te", ws::fragment::more);
    c.send_fragment("xt", ws::fragment::last);
    c.ping(data);
    c.pong(data);
    c.close(ws::close_code::no_status);
    c.close(ws::close_code{4001}, "reason");
    c.terminate();
    c.pause();
    c.resume();
    log(c.is_paused() ? "paused" : "reading");
    log(std::to_string(c.queued()));
    log(c.subprotocol());
}

}  // namespace from_ws
