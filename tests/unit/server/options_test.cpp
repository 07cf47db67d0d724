// Every option that can be wrong, and what is said about it: which one, and what it may be.

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include <weft/weft.hpp>

namespace weft::test {
namespace {

using namespace std::chrono_literals;
using std::chrono::seconds;

/// What `check` says when `spoil` was applied to the defaults.
template <class Options, class Spoil>
std::string complaint(Spoil spoil, Options chosen = {}) {
    spoil(chosen);
    const result<void> judged = chosen.check();
    if (judged) return "nothing";
    EXPECT_EQ(judged.error().code(), errc::invalid_argument);
    return judged.error().what();
}

#define EXPECT_COMPLAINT(Options, change, text) \
    EXPECT_EQ(complaint<Options>([]([[maybe_unused]] Options& o) { o.change; }), text)

tls_options with_certificate() {
    tls_options made;
    made.certificates.emplace_back();
    return made;
}

TEST(options, defaults_are_right) {
    EXPECT_TRUE(loop_options{}.check());
    EXPECT_TRUE(listen_options{}.check());
    EXPECT_TRUE(with_certificate().check());
    EXPECT_TRUE(tls_client_options{}.check());
    EXPECT_TRUE(http::options{}.check());
    EXPECT_TRUE(ws::options{}.check());
    EXPECT_TRUE(ws::client_options{}.check());
    EXPECT_TRUE(engineio::options{}.check());
    EXPECT_TRUE(socketio::options{}.check());
    EXPECT_TRUE(socketio::client_options{}.check());
    EXPECT_TRUE(server_options{}.check());
    EXPECT_TRUE(server_address{}.check());
    EXPECT_TRUE(run_options{}.check());
}

TEST(options, of_loops) {
    using limits = stream_limits;
    EXPECT_COMPLAINT(loop_budgets, read_bytes = 0,
                     "loop_budgets::read_bytes is 0: it must be at least 1");
    EXPECT_COMPLAINT(loop_budgets, accepts = 0,
                     "loop_budgets::accepts is 0: it must be at least 1");
    EXPECT_COMPLAINT(loop_budgets, newcomers = 0,
                     "loop_budgets::newcomers is 0: it must be at least 1");
    EXPECT_COMPLAINT(loop_budgets, tls_handshakes = 0,
                     "loop_budgets::tls_handshakes is 0: it must be at least 1");
    EXPECT_COMPLAINT(loop_budgets, posted_tasks = 0,
                     "loop_budgets::posted_tasks is 0: it must be at least 1");
    EXPECT_COMPLAINT(loop_budgets, timers = 0, "loop_budgets::timers is 0: it must be at least 1");
    EXPECT_COMPLAINT(limits, write_stall = 0s,
                     "stream_limits::write_stall is 0 ms: it must be above 0");
    EXPECT_COMPLAINT(limits, close_grace = -1s,
                     "stream_limits::close_grace is -1000 ms: it must not be below 0");
    EXPECT_COMPLAINT(limits, linger = -1s,
                     "stream_limits::linger is -1000 ms: it must not be below 0");
    EXPECT_COMPLAINT(loop_options, budgets.timers = 0,
                     "loop_budgets::timers is 0: it must be at least 1");
    EXPECT_COMPLAINT(loop_options, limits.linger = -1s,
                     "stream_limits::linger is -1000 ms: it must not be below 0");
    EXPECT_COMPLAINT(loop_options, slow_turn = -1ms,
                     "loop_options::slow_turn must be 0 or at least 1 ms");
    EXPECT_COMPLAINT(loop_options, slow_turn = 999us,
                     "loop_options::slow_turn must be 0 or at least 1 ms");
}

TEST(options, of_listeners) {
    EXPECT_COMPLAINT(stream_limits, proxy_header = duration::zero(),
                     "stream_limits::proxy_header is 0 ms: it must be above 0");
    EXPECT_COMPLAINT(listen_options, proxy_protocol_from = {"everybody"},
                     "listen_options::proxy_protocol_from is wrong: 'everybody' is neither a "
                     "network, such as 10.0.0.0/8 or fd00::/8, nor an address, nor the word unix");
    EXPECT_COMPLAINT(listen_options, backlog = 0,
                     "listen_options::backlog is 0: it must be at least 1");
    EXPECT_COMPLAINT(listen_options, adopt_fd = -2,
                     "listen_options::adopt_fd is -2: it must be at least -1");
    EXPECT_COMPLAINT(listen_options, unix_mode = 0660,
                     "listen_options::unix_mode needs a unix_path that is a file");
    EXPECT_COMPLAINT(listen_options, unix_group = "www-data",
                     "listen_options::unix_group needs a unix_path that is a file");
    listen_options file;
    file.unix_path = "/run/weft.sock";
    EXPECT_EQ(complaint<listen_options>([](auto& o) { o.unix_mode = 01777; }, file),
              "listen_options::unix_mode is 1023: it must be 0 to 511");
    EXPECT_EQ(complaint<listen_options>([](auto& o) { o.adopt_fd = 3; }, file),
              "listen_options::unix_path and adopt_fd exclude each other");
    EXPECT_EQ(complaint<listen_options>([](auto& o) { o.unix_mode = 0660; }, file), "nothing");
    EXPECT_COMPLAINT(server_address, unix_group = "www-data",
                     "listen_options::unix_group needs a unix_path that is a file");
}

TEST(options, of_tls) {
    EXPECT_COMPLAINT(tls_options, certificates = {},
                     "tls_options::certificates is empty: TLS needs at least one");
    EXPECT_EQ(complaint<tls_options>([](auto& o) { o.alpn = {""}; }, with_certificate()),
              "tls_options::alpn has a name of 0 bytes: each must have 1 to 255");
    EXPECT_EQ(complaint<tls_options>([](auto& o) { o.ticket_rotation = 0s; }, with_certificate()),
              "tls_options::ticket_rotation is 0 ms: it must be 1000 ms to 31536000000 ms");
    EXPECT_EQ(complaint<tls_options>([](auto& o) { o.ticket_rotation = seconds::max(); },
                                     with_certificate()),
              "tls_options::ticket_rotation is never: it must be 1000 ms to 31536000000 ms");
    EXPECT_COMPLAINT(tls_client_options, alpn = {std::string(256, 'a')},
                     "tls_client_options::alpn has a name of 256 bytes: each must have 1 to 255");
}

TEST(options, of_http) {
    using http::options;
    EXPECT_COMPLAINT(options, trusted_proxies = {"10.0.0.0/33"},
                     "http::options::trusted_proxies is wrong: '10.0.0.0/33' is neither a network, "
                     "such as 10.0.0.0/8 or fd00::/8, nor an address, nor the word unix");
    for (const std::string bad : {"example.org", "https://", "https://a/", "https://a/b", "wss://a",
                                  "https://u@a", "https://a:99999", "null", ""}) {
        options wrong;
        wrong.public_origins = {"https://example.org", bad};
        ASSERT_FALSE(wrong.check()) << bad;
        EXPECT_EQ(wrong.check().error().what(),
                  "http::options::public_origins has '" + bad +
                      "': each must be like https://example.org or http://example.org:8080, "
                      "without a path");
    }
    EXPECT_COMPLAINT(options, max_request_line = 0,
                     "http::options::max_request_line is 0: it must be 16 to 65535");
    EXPECT_COMPLAINT(options, max_header_line = 70'000,
                     "http::options::max_header_line is 70000: it must be 16 to 65535");
    EXPECT_COMPLAINT(options, max_head = 70'000,
                     "http::options::max_head is 70000: it must be 64 to 65535");
    EXPECT_COMPLAINT(options, max_headers = 65,
                     "http::options::max_headers is 65: it must be 1 to 64");
    EXPECT_COMPLAINT(options, max_headers = 0,
                     "http::options::max_headers is 0: it must be 1 to 64");
    EXPECT_COMPLAINT(options, max_stream_queue = 0,
                     "http::options::max_stream_queue is 0: it must be at least 1");
    EXPECT_COMPLAINT(options, head_timeout = 0s,
                     "http::options::head_timeout is 0 ms: it must be above 0");
    EXPECT_COMPLAINT(options, idle_timeout = -1ms,
                     "http::options::idle_timeout is -1 ms: it must be above 0");
    EXPECT_COMPLAINT(options, body_grace = 0s,
                     "http::options::body_grace is 0 ms: it must be above 0");
    EXPECT_COMPLAINT(options, min_body_rate = 0,
                     "http::options::min_body_rate is 0: it must be at least 1");
    EXPECT_COMPLAINT(options, reply_timeout = 0s,
                     "http::options::reply_timeout is 0 ms: it must be above 0");
    EXPECT_COMPLAINT(options, allowed_hosts.emplace_back("here:80"),
                     "http::options::allowed_hosts has 'here:80': each must be a host name without "
                     "a port, or an "
                     "IPv6 address in brackets");
    EXPECT_COMPLAINT(options, allowed_hosts.emplace_back("[::1]"), "nothing");
}

TEST(options, of_websockets) {
    using ws::options;
    using client = ws::client_options;
    EXPECT_COMPLAINT(options, origins = {"*"},
                     "ws::options::origins has '*': for any origin set `origin` to `any`");
    EXPECT_COMPLAINT(options, max_message = 0,
                     "ws::options::max_message is 0: it must be at least 1");
    EXPECT_COMPLAINT(options, message_grace = 0s,
                     "ws::options::message_grace is 0 ms: it must be above 0");
    EXPECT_COMPLAINT(options, min_message_rate = 0,
                     "ws::options::min_message_rate is 0: it must be at least 1");
    EXPECT_COMPLAINT(options, ping_interval = 0s,
                     "ws::options::ping_interval is 0 ms: it must be above 0");
    EXPECT_COMPLAINT(options, close_timeout = 0s,
                     "ws::options::close_timeout is 0 ms: it must be above 0");
    EXPECT_COMPLAINT(options, idle_timeout = 24s,
                     "ws::options::idle_timeout must not be below ping_interval");
    EXPECT_COMPLAINT(options, max_queue = 131'071,
                     "ws::options::max_queue is 131071: it must be at least 131072");
    EXPECT_COMPLAINT(options, pause_reading_at = 0,
                     "ws::options::pause_reading_at is 0: it must be at least 1");
    EXPECT_COMPLAINT(options, deflate = ws::deflate_options{.window_bits = 8},
                     "ws::deflate_options::window_bits is 8: it must be 9 to 15");
    EXPECT_COMPLAINT(options, deflate = ws::deflate_options{.level = 10},
                     "ws::deflate_options::level is 10: it must be 1 to 9");
    EXPECT_COMPLAINT(options, rate = receive_rate{.messages_per_second = 0},
                     "receive_rate::messages_per_second is 0: it must be at least 1");
    EXPECT_COMPLAINT(options, rate = receive_rate{.bytes_per_second = 0},
                     "receive_rate::bytes_per_second is 0: it must be at least 1");
    EXPECT_COMPLAINT(client, max_queue = 1,
                     "ws::client_options::max_queue is 1: it must be at least 131072");
    EXPECT_COMPLAINT(client, handshake_timeout = 0s,
                     "ws::client_options::handshake_timeout is 0 ms: it must be above 0");
    EXPECT_COMPLAINT(client, proxy = "https://proxy",
                     "ws::client_options::proxy URL: a proxy is http://, with a connection that is "
                     "not encrypted itself");
    EXPECT_COMPLAINT(client, reconnect = ws::backoff{.initial = 0s},
                     "ws::backoff::initial is 0 ms: it must be above 0");
    EXPECT_COMPLAINT(client, reconnect = ws::backoff{.max = 1ms},
                     "ws::backoff::max must not be below initial");
    EXPECT_COMPLAINT(client, reconnect = ws::backoff{.factor = 0.5},
                     "ws::backoff::factor must be at least 1");
    EXPECT_COMPLAINT(client, reconnect = ws::backoff{.stable_after = -1s},
                     "ws::backoff::stable_after is -1000 ms: it must not be below 0");
}

TEST(options, of_engineio) {
    using engineio::options;
    EXPECT_COMPLAINT(options, path = "socket.io",
                     "engineio::options::path is 'socket.io': it must begin with '/'");
    EXPECT_COMPLAINT(options, transports = {},
                     "engineio::options::transports must name polling, websocket or both");
    EXPECT_COMPLAINT(options, ping_interval = 0s,
                     "engineio::options::ping_interval is 0 ms: it must be above 0");
    EXPECT_COMPLAINT(options, ping_timeout = 0s,
                     "engineio::options::ping_timeout is 0 ms: it must be above 0");
    for (const duration far : {duration::max(), duration(600h)}) {
        EXPECT_EQ(complaint<options>([&](auto& o) { o.ping_interval = far; }),
                  "engineio::options::ping_interval and ping_timeout together must be at most 24 "
                  "days: clients cannot wait longer");
    }
    EXPECT_COMPLAINT(options, upgrade_timeout = 0s,
                     "engineio::options::upgrade_timeout is 0 ms: it must be above 0");
    EXPECT_COMPLAINT(options, close_timeout = 0s,
                     "engineio::options::close_timeout is 0 ms: it must be above 0");
    EXPECT_COMPLAINT(options, max_http_buffer_size = 0,
                     "engineio::options::max_http_buffer_size is 0: it must be at least 1");
    EXPECT_COMPLAINT(options, max_sessions = 0,
                     "engineio::options::max_sessions is 0: it must be at least 1");
    EXPECT_COMPLAINT(options, max_queue = 1,
                     "engineio::options::max_queue is 1: it must be at least 131072");
    EXPECT_COMPLAINT(options, rate = receive_rate{.bytes_per_second = 0},
                     "receive_rate::bytes_per_second is 0: it must be at least 1");
    EXPECT_COMPLAINT(options, per_message_deflate = ws::deflate_options{.level = 0},
                     "ws::deflate_options::level is 0: it must be 1 to 9");
    EXPECT_COMPLAINT(
        options, cookie = http::cookie{.name = "a b"},
        "engineio::options::cookie cannot be sent: its name must be a token, its path and "
        "domain without ; and controls");
    EXPECT_COMPLAINT(options, origins = {"*"},
                     "engineio::options::origins has '*': for any origin set `origin` to `any`, or "
                     "`cors.origins` to '*' alone");
    using engineio::cors_options;
    EXPECT_COMPLAINT(cors_options, origins = (std::vector<std::string>{"*", "https://a.example"}),
                     "engineio::cors_options::origins has '*' beside others: it must be alone");
    EXPECT_EQ(complaint<cors_options>([](auto& o) { o.credentials = true; }, {.origins = {"*"}}),
              "engineio::cors_options::credentials is on: then name the origins instead of '*'");
    EXPECT_COMPLAINT(
        cors_options, options_success_status = 404,
        "engineio::cors_options::options_success_status is 404: it must be 200 to 299");
    EXPECT_COMPLAINT(cors_options, max_age = -1s,
                     "engineio::cors_options::max_age is -1000 ms: it must not be below 0");
}

TEST(options, of_socketio) {
    using socketio::options;
    using client = socketio::client_options;
    EXPECT_COMPLAINT(options, engine.path = "",
                     "engineio::options::path is '': it must begin with '/'");
    EXPECT_COMPLAINT(options, connect_timeout = 0s,
                     "socketio::options::connect_timeout is 0 ms: it must be above 0");
    EXPECT_COMPLAINT(options, max_namespaces = 0,
                     "socketio::options::max_namespaces is 0: it must be at least 1");
    EXPECT_COMPLAINT(options, max_namespace_length = 0,
                     "socketio::options::max_namespace_length is 0: it must be at least 1");
    EXPECT_COMPLAINT(options, max_event_length = 0,
                     "socketio::options::max_event_length is 0: it must be at least 1");
    EXPECT_COMPLAINT(options, max_attachments = 65,
                     "socketio::options::max_attachments is 65: it must be 0 to 64");
    EXPECT_COMPLAINT(options, attachments_timeout = 0s,
                     "socketio::options::attachments_timeout is 0 ms: it must be above 0");
    EXPECT_COMPLAINT(options, ack_timeout = 0s,
                     "socketio::options::ack_timeout is 0 ms: it must be above 0");
    using socketio::recovery_options;
    EXPECT_COMPLAINT(
        options, connection_state_recovery = recovery_options{.max_disconnection_duration = 0s},
        "socketio::recovery_options::max_disconnection_duration is 0 ms: it must be above 0");
    EXPECT_COMPLAINT(recovery_options, max_bytes = 0,
                     "socketio::recovery_options::max_bytes is 0: it must be at least 1");
    EXPECT_COMPLAINT(recovery_options, max_sessions = 0,
                     "socketio::recovery_options::max_sessions is 0: it must be at least 1");

    EXPECT_COMPLAINT(client, path = "x",
                     "socketio::client_options::path is 'x': it must begin with '/'");
    EXPECT_COMPLAINT(client, transports = {},
                     "socketio::client_options::transports must name polling, websocket or both");
    EXPECT_COMPLAINT(client, request_timeout = 0s,
                     "socketio::client_options::request_timeout is 0 ms: it must be above 0");
    EXPECT_COMPLAINT(client, per_message_deflate = ws::deflate_options{.window_bits = 16},
                     "ws::deflate_options::window_bits is 16: it must be 9 to 15");
    EXPECT_COMPLAINT(client, reconnection_delay = 0s,
                     "socketio::client_options::reconnection_delay is 0 ms: it must be above 0");
    EXPECT_COMPLAINT(client, reconnection_delay_max = 1ms,
                     "socketio::client_options::reconnection_delay_max must not be below "
                     "reconnection_delay");
    EXPECT_COMPLAINT(client, url = "localhost:3000",
                     "socketio::client_options::url URL: it has no scheme: write ws://, wss://, "
                     "http:// or https:// in front of the host");
    EXPECT_COMPLAINT(client, reconnection_stable_after = -1s,
                     "socketio::client_options::reconnection_stable_after is -1000 ms: it must not "
                     "be below 0");
    EXPECT_COMPLAINT(client, randomization_factor = 1.5,
                     "socketio::client_options::randomization_factor must be 0 to 1");
    EXPECT_COMPLAINT(client, timeout = 0s,
                     "socketio::client_options::timeout is 0 ms: it must be above 0");
    EXPECT_COMPLAINT(client, ack_timeout = 0s,
                     "socketio::client_options::ack_timeout is 0 ms: it must be above 0");
    EXPECT_COMPLAINT(client, max_message = 0,
                     "socketio::client_options::max_message is 0: it must be at least 1");
    EXPECT_COMPLAINT(client, max_attachments = 65,
                     "socketio::client_options::max_attachments is 65: it must be 0 to 64");
    EXPECT_COMPLAINT(client, max_queue = 1,
                     "socketio::client_options::max_queue is 1: it must be at least 131072");
    EXPECT_COMPLAINT(client, max_pending_acks = 0,
                     "socketio::client_options::max_pending_acks is 0: it must be at least 1");
}

TEST(options, of_servers) {
    EXPECT_COMPLAINT(server_options, threads = 0,
                     "server_options::threads is 0: it must be 1 to 255");
    EXPECT_COMPLAINT(server_options, threads = 256,
                     "server_options::threads is 256: it must be 1 to 255");
    EXPECT_COMPLAINT(server_options, http.max_headers = 65,
                     "http::options::max_headers is 65: it must be 1 to 64");
    EXPECT_COMPLAINT(server_options, budgets.read_bytes = 0,
                     "loop_budgets::read_bytes is 0: it must be at least 1");
    EXPECT_COMPLAINT(server_options, limits.write_stall = 0s,
                     "stream_limits::write_stall is 0 ms: it must be above 0");
    EXPECT_COMPLAINT(server_options, message_budget = 0,
                     "server_options::message_budget is 0: it must be at least 1");
    EXPECT_COMPLAINT(server_options, max_connections = 0,
                     "server_options::max_connections is 0: it must be at least 1");
    EXPECT_COMPLAINT(server_address, tls.emplace(),
                     "tls_options::certificates is empty: TLS needs at least one");
    EXPECT_COMPLAINT(run_options, drain.not_ready_for = -1s,
                     "drain_options::not_ready_for is -1000 ms: it must not be below 0");
    EXPECT_COMPLAINT(drain_options, window = -1s,
                     "drain_options::window is -1000 ms: it must not be below 0");
    EXPECT_COMPLAINT(drain_options, retry_within = -1s,
                     "drain_options::retry_within is -1000 ms: it must not be below 0");
    EXPECT_COMPLAINT(drain_options, deadline = -1s,
                     "drain_options::deadline must be at least window, and not below 0");
}

TEST(options, never_is_a_wait_like_any_other) {
    constexpr duration never = duration::max();
    server_options all;
    all.http.head_timeout = all.http.idle_timeout = all.http.body_grace = never;
    all.http.reply_timeout = all.limits.write_stall = all.limits.close_grace = never;
    all.limits.linger = never;
    EXPECT_TRUE(all.check());
    ws::options w;
    w.ping_interval = w.idle_timeout = w.close_timeout = w.message_grace = never;
    EXPECT_TRUE(w.check());
    socketio::options s;
    s.connect_timeout = s.attachments_timeout = s.ack_timeout = never;
    s.engine.upgrade_timeout = s.engine.close_timeout = never;
    EXPECT_TRUE(s.check());
}

TEST(options, wrong_ones_are_refused_where_they_are_used) {
    server_options spoiled;
    spoiled.budgets.read_bytes = 0;
    spoiled.log = nullptr;
    server refused(spoiled);
    const auto port = refused.listen({.host = "127.0.0.1", .port = 0});
    ASSERT_FALSE(port);
    EXPECT_EQ(port.error().what(), "loop_budgets::read_bytes is 0: it must be at least 1");
    EXPECT_EQ(refused.run(signal_handling::none), 1);
    EXPECT_NE(refused.failure().find("loop_budgets::read_bytes"), std::string::npos);

    EXPECT_FALSE(loop::make({.budgets = spoiled.budgets}));

    server socketio_below(server_options{.log = nullptr});
    socketio::options chosen;
    chosen.ack_timeout = 0s;
    const socketio::server io(socketio_below, chosen);
    EXPECT_FALSE(socketio_below.listen({.host = "127.0.0.1", .port = 0}));

    EXPECT_FALSE(socketio::client_thread::make({.url = "http://127.0.0.1:1", .timeout = 0s}));
}

}  // namespace
}  // namespace weft::test
