// The code of the tables in docs/guide/socketio-client.md: compiled, and compared with the page by
// tests/structure/docs_code_test.py.

#include <weft/socketio/client.hpp>
#include <weft/socketio/client_thread.hpp>

namespace socketio_client {

using namespace std::chrono_literals;
using weft::socketio::client;
using weft::socketio::client_disconnect;
using weft::socketio::client_options;
using weft::socketio::client_socket;
using weft::socketio::client_thread;
using weft::socketio::connect_error;
using weft::socketio::raw_arguments;

struct credentials {
    std::string token;
};
WEFT_FIELDS(credentials, token)

credentials fresh_token();
void log(std::string_view what);

void connection(weft::loop& loop, client& io) {
    client mine(loop, {.url = "https://example.org"});
    auto own_thread = client_thread::make({.url = "https://example.org"});
    client_socket& s = io.socket();
    client_socket& admin = io.of("/admin");
    if (auto begun = admin.connect(); !begun) log(begun.error().message());
    if (auto begun = io.connect(); !begun) log(begun.error().message());
    io.disconnect();
    log(io.transport());
    io.on_error([](const weft::error& why) { log(why.message()); });
    io.on_reconnect_attempt([](unsigned attempt) { log(std::to_string(attempt)); });
    io.on_reconnect([](unsigned attempt) { log(std::to_string(attempt)); });
    io.on_reconnect_error([](const weft::error& why) { log(why.message()); });
    io.on_reconnect_failed([] { log("given up"); });
    io.on_ping([] { log("ping"); });
    io.on_upgrade([](std::string_view transport) { log(transport); });
    s.disconnect();
}

void socket(client_socket& s) {
    log(s.id());
    if (s.connected() && s.active() && s.recovered()) log("back");
    s.on("hi", [](int n) { log(std::to_string(n)); });
    s.once("hi", [](int n) { log(std::to_string(n)); });
    s.on("ask", [](std::string text) { return text.size(); });
    s.off("hi");
    s.off();
    s.on_any([](client_socket&, std::string_view event, const raw_arguments&) { log(event); });
    s.off_any();
    s.on_any_outgoing(
        [](client_socket&, std::string_view event, const raw_arguments&) { log(event); });
    s.off_any_outgoing();
    s.on_connect([](client_socket& me) { log(me.id()); });
    s.on_connect_error([](client_socket&, const connect_error& how) { log(how.data); });
    s.on_disconnect(
        [](client_socket&, const client_disconnect& how) { log(to_string(how.reason)); });
    s.emit("hi", 1);
    s.send("hi");
    s.volatile_().emit("hi", 1);
    s.uncompressed().emit("hi", 1);
    s.emit_with_ack<int>("ask", 1, [](weft::result<int>) {});
    s.timeout(5s).emit_with_ack<int>("ask", 1, [](weft::result<int>) {});
    s.set_auth(credentials{"another"});
}

weft::task<void> awaiting(weft::socketio::client_socket_ref s) {
    co_await s.emit_with_ack<int>("ask", 1);
    co_await s.timeout(5s).emit_with_ack<int>("ask", 1);
}

void options(client_options& options) {
    options.url = "https://example.org/admin?room=1";
    options.path = "/live";
    options.add_trailing_slash = false;
    options.query = {{"room", "1"}};
    options.extra_headers = {{"x-token", "abc"}};
    options.transports = {weft::engineio::transport_kind::websocket};
    options.upgrade = false;
    options.remember_upgrade = true;
    options.try_all_transports = true;
    options.with_credentials = true;
    options.request_timeout = 30s;
    options.per_message_deflate = weft::ws::deflate_options{.threshold = 1024};
    options.auto_connect = false;
    options.reconnection = false;
    options.reconnection_attempts = 10;
    options.reconnection_delay = 500ms;
    options.reconnection_delay_max = 10s;
    options.randomization_factor = 0;
    options.timeout = 5s;
    options.auth = credentials{"abc"};
    options.auth = [] { return fresh_token(); };
    options.parser = weft::socketio::packet_parser::msgpack;
    options.ack_timeout = 10s;
    options.retries = 3;
}

}  // namespace socketio_client
