// The code of docs/guide/from-node.md: compiled, and compared with the page by
// tests/structure/docs_code_test.py.

#include <weft/socketio/value.hpp>
#include <weft/weft.hpp>

namespace from_node {

using namespace std::chrono_literals;
using weft::socketio::disconnect_reason;
using weft::socketio::disconnect_scope;
using weft::socketio::raw_ack;
using weft::socketio::raw_arguments;
using weft::socketio::rest;
using weft::socketio::socket;
using weft::socketio::socket_ref;

struct credentials {
    std::string token;
};
WEFT_FIELDS(credentials, token)

struct visitor {
    std::string name;
};

weft::task<bool> is_known(std::string id);
void log(std::string_view what);

weft::task<void> tick(weft::loop_ref loop, weft::socketio::space& io) {
    for (;;) {
        co_await weft::sleep_for(loop, 1s);
        io.emit("tick");
    }
}

int serve() {
    weft::socketio::options options;
    weft::server server;
    weft::socketio::server io{server, options};
    return server.run({.port = 3000});
}

void on_server(weft::server& server, weft::socketio::server& io) {
    const std::string_view id = "an id";
    io.of("/admin");
    io.of_matching("/room-*");
    io.of_matching([](std::string_view name, std::string_view) { return name.size() < 20; });
    io.emit("hi", 1);
    io.to("a").to("b").except("c").emit("hi", 1);
    io.in("a").emit("hi", 1);
    io.local().emit("hi", 1);
    io.volatile_().emit("hi", 1);
    io.latest("AAPL").emit("quote", 1);
    io.uncompressed().emit("hi", 1);
    io.in("a").sockets_join("b");
    io.in("a").sockets_leave("b");
    io.in("a").disconnect_sockets(disconnect_scope::connection);
    io.send("hi");
    io.to({"a", "b"}).emit("hi", 1);
    io.of_matching("/room-*").on_new_namespace([](std::string_view name) { log(name); });
    io.server_side_emit("hi", 1);
    io.on_server_side("hi", [](const raw_arguments&) {});
    (void)io.clients_count();
    (void)io.sockets_count();
    io.in(id).visit_sockets([](socket& s) { s.emit("hi"); });
    weft::spawn(server.loop(0), tick(server.loop(0), io));
    server.drain(10s);
}

weft::task<void> on_server_later(weft::socketio::server& io) {
    const auto found = co_await io.in("a").fetch_sockets();
    const std::size_t count = co_await io.in("a").count_sockets();
    auto replies = co_await io.to("a").timeout(5s).emit_with_ack<int>("ask");
    for (const weft::result<int>& answer : replies.answers) log(answer ? "yes" : "no");
    auto servers = co_await io.server_side_emit_with_ack<int>("hi", 1);
    log(std::to_string(servers.answers.size() + servers.silent.count));
    log(std::to_string(found.sockets.size() + count + replies.missing));
}

void middlewares(weft::socketio::options& options, weft::socketio::server& io) {
    options.engine.middlewares.push_back(
        [](const weft::http::handshake& request) -> weft::admission<> {
            if (!request.header("user-agent").empty()) return true;
            return weft::refusal(401, "who are you?").header("WWW-Authenticate", "Bearer");
        });

    io.use([](socket& s) -> weft::admission<> {
        if (s.auth<credentials>()) return true;
        return weft::refusal("no token");
    });

    io.use([](socket_ref s) -> weft::task<weft::admission<>> {
        if (co_await is_known(std::string(s.id()))) co_return true;
        co_return weft::refusal("unknown");
    });

    io.use([](socket&, std::string_view event, const raw_arguments&) { return event != "secret"; });
}

void on_connection(weft::socketio::server& io) {
    io.on_connect([](socket& s) { s.join("lobby"); });

    io.on("sum", [](socket&, int a, int b) { return a + b; });

    io.on("log", [](socket&, std::string what, rest<weft::socketio::value> more) {
        log(what + " and " + std::to_string(more.values.size()));
    });

    io.on_any([](socket&, std::string_view event, const raw_arguments&) { log(event); });
    io.on_any_outgoing([](std::string_view event, const raw_arguments&) { log(event); });
    io.on_unhandled(
        [](socket&, std::string_view event, const raw_arguments&, raw_ack) { log(event); });
    io.on_disconnecting([](socket& s, disconnect_reason) { log(s.rooms().front()); });
    io.on_disconnect([](socket&, disconnect_reason why) { log(to_string(why)); });
    io.on_error([](socket&, const weft::error& why) { log(why.message()); });
}

void on_socket(socket& s) {
    (void)s.id();
    (void)s.nsp();
    (void)s.connected();
    (void)s.recovered();
    (void)s.handshake().query_value("key");
    (void)s.handshake().header("user-agent");
    (void)s.handshake().address();
    (void)s.handshake().url();
    (void)s.handshake().secure();
    (void)s.handshake().issued();
    (void)to_string(s.transport());
    (void)s.auth<credentials>();
    s.data<visitor>().name = "Ada";
    s.join("a");
    s.leave("a");
    (void)s.rooms();
    (void)s.in_room("a");
    s.emit("hi", 1);
    s.send("hi");
    s.volatile_().emit("hi", 1);
    s.uncompressed().emit("hi", 1);
    s.broadcast().emit("hi", 1);
    s.to("a").emit("hi", 1);
    s.to({"a", "b"}).except("c").emit("hi", 1);
    s.to("a").volatile_().emit("hi", 1);
    s.local().emit("hi", 1);
    s.emit_with_ack<int>("ask", 1, [](weft::result<int>) {});
    s.disconnect();
    s.disconnect(disconnect_scope::connection);
}

weft::task<void> on_socket_later(socket_ref s) {
    weft::result<int> answer = co_await s.timeout(5s).emit_with_ack<int>("ask", 1);
    log(answer ? "answered" : answer.error().message());
}

void set_options(weft::socketio::options& options) {
    options.engine.path = "/live";
    options.engine.add_trailing_slash = false;
    options.engine.transports = {weft::engineio::transport_kind::websocket};
    options.engine.allow_upgrades = false;
    options.engine.ping_interval = 10s;
    options.engine.ping_timeout = 5s;
    options.engine.upgrade_timeout = 5s;
    options.engine.max_http_buffer_size = 100'000;
    options.engine.allow_eio3 = true;
    options.engine.cors = weft::engineio::cors_options{.origins = {"https://example.org"}};
    options.engine.cors->credentials = true;
    options.engine.cors->allowed_headers = {"x-token"};
    options.engine.allow_request = [](const weft::http::handshake& request) -> weft::admission<> {
        if (request.header("x-token").empty()) return weft::refusal("no token");
        return true;
    };
    options.engine.initial_packet = "hello";
    options.engine.cookie = weft::http::cookie{.name = "io"};
    options.engine.per_message_deflate = weft::ws::deflate_options{};
    options.engine.http_compression = 2048;
    options.connect_timeout = 10s;
    options.serve_client = false;
    options.connection_state_recovery = weft::socketio::recovery_options{};
    options.cleanup_empty_child_namespaces = true;
    options.parser = weft::socketio::packet_parser::msgpack;
}

}  // namespace from_node
