// Limits per address and per subject, met by whole clients: over HTTP, WebSocket, event streams and
// Socket.IO.

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <weft/http/router.hpp>
#include <weft/socketio/client.hpp>
#include <weft/socketio/server.hpp>
#include <weft/testing/world.hpp>
#include <weft/ws/client.hpp>
#include <weft/ws/endpoint.hpp>

namespace weft {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

struct kept_lines : log_sink {
    void write(const log_record& record) noexcept override {
        if (record.level >= log_level::warning) lines.emplace_back(record.message);
    }
    [[nodiscard]] std::string all() const {
        std::string text;
        for (const std::string& line : lines) text += line + "\n";
        return text;
    }
    std::vector<std::string> lines;
};

class traffic_world : public kept_lines, public test_world {
public:
    explicit traffic_world(traffic_options traffic)
        : test_world([&] {
              server_options made;
              made.traffic = traffic;
              made.log = this;
              return made;
          }()) {}
};

/// Connects, and tells the status and the body of a refusal, or nothing.
std::string connect(traffic_world& w, ws::client& c) {
    std::string told;
    c.on_failure([&](ws::client&, const ws::connect_failure& e) {
        told = std::to_string(e.status);
        if (e.response != nullptr) told.append(" ").append(e.response->body);
    });
    EXPECT_TRUE(c.connect());
    w.run();
    c.on_failure([](ws::client&, const ws::connect_failure&) {});
    return told;
}

TEST(traffic_of_an_address, limits_its_connections) {
    traffic_world w({.per_address = {.max_connections = 2}});
    w.server().ws("/");
    ASSERT_TRUE(w.start());
    ws::client one(w.loop(), {.url = test_world::url()});
    ws::client two(w.loop(), {.url = test_world::url()});
    ws::client three(w.loop(), {.url = test_world::url()});
    EXPECT_EQ(connect(w, one), "");
    EXPECT_EQ(connect(w, two), "");
    EXPECT_EQ(connect(w, three),
              "429 too many connections of one address: traffic.per_address.max_connections\n");
    EXPECT_THAT(w.all(), HasSubstr("traffic.per_address.max_connections, from 127.0.0.1"));
    EXPECT_THAT(w.server().metrics_text(),
                HasSubstr(R"(weft_traffic_limited_total{scope="address",limit="connections"} 1)"));
    two.close();
    w.run();
    EXPECT_EQ(connect(w, three), "");
}

TEST(traffic_of_an_address, limits_its_requests) {
    traffic_world w({.per_address = {.messages_per_second = 2, .burst = 1s}});
    (void)w.server().http().get(
        "/", [](const http::request&) { return http::response::text(200, "hello"); });
    ASSERT_TRUE(w.start());
    for (int i = 0; i < 3; ++i) EXPECT_EQ(w.ask({})->status, 200) << i;
    const auto refused = w.ask({});
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->status, 429);
    EXPECT_EQ(refused->header("Retry-After"), "1");
    EXPECT_EQ(refused->body,
              "an address sends too many messages: traffic.per_address.messages_per_second");
    w.pass(1s);
    EXPECT_EQ(w.ask({})->status, 200);
}

TEST(traffic_of_an_address, slows_its_websockets_down_together) {
    traffic_world w({.per_address = {.messages_per_second = 10}});
    int received = 0;
    w.server().ws("/").on_message([&](ws::connection<void>&, message_view) { ++received; });
    ASSERT_TRUE(w.start());
    ws::client one(w.loop(), {.url = test_world::url()});
    ws::client two(w.loop(), {.url = test_world::url()});
    EXPECT_EQ(connect(w, one), "");
    EXPECT_EQ(connect(w, two), "");
    for (int i = 0; i < 30; ++i) one.send("x");
    w.run();
    EXPECT_EQ(received, 30) << "what came in one read is dealt with";
    two.send("y");
    w.run();
    two.send("z");  // it waits with the other
    one.send("z");
    w.run();
    EXPECT_EQ(received, 31);
    w.pass(2s);
    EXPECT_EQ(received, 33);
    for (int i = 0; i < 300; ++i) one.send("x");
    w.pass(1s);
    EXPECT_FALSE(one.is_open());
    EXPECT_TRUE(two.is_open());
    EXPECT_THAT(w.all(), HasSubstr("an address sends too many messages: "
                                   "traffic.per_address.messages_per_second, from 127.0.0.1"));
}

TEST(traffic_of_an_address, an_error_budget_ends_in_429) {
    traffic_world w({.per_address = {.errors_per_minute = 2}});
    w.server().ws("/");
    ASSERT_TRUE(w.start());
    for (int i = 0; i < 3; ++i)
        EXPECT_EQ(w.ask({.target = "/", .headers = {{"Expect", "miracles"}}})->status, 417);
    EXPECT_EQ(w.ask({})->status, 429);
    w.pass(1min);
    EXPECT_NE(w.ask({})->status, 429);
}

TEST(traffic_of_an_address, our_own_clients_come_back_when_they_are_told_to) {
    traffic_world w({.per_address = {.connects_per_minute = 1}});
    w.server().ws("/");
    const socketio::server io{w.server()};
    ASSERT_TRUE(w.start());
    ws::client first(w.loop(), {.url = test_world::url()});
    EXPECT_EQ(connect(w, first), "");

    ws::client second(
        w.loop(), {.url = test_world::url(), .reconnect = ws::backoff{.spread = ws::jitter::none}});
    EXPECT_THAT(connect(w, second), HasSubstr("429"));
    ASSERT_TRUE(second.retry_in());
    EXPECT_GE(*second.retry_in(), 60s) << "the server said 60 seconds";
    w.pass(59s);
    EXPECT_FALSE(second.is_open());
    w.pass(3s);
    EXPECT_TRUE(second.is_open());

    socketio::client_options options;
    options.url = test_world::url();
    options.transports = {engineio::transport_kind::websocket};
    socketio::client third(w.loop(), options);
    int attempts = 0;
    third.on_reconnect_attempt([&](unsigned) { ++attempts; });
    w.pass(55s);
    EXPECT_EQ(attempts, 0);
    w.pass(10s);
    EXPECT_EQ(attempts, 1);
    EXPECT_TRUE(third.connected());
}

/// Opens an Engine.IO session over polling and gives its target.
std::string open_session(traffic_world& w) {
    const std::string path = "/socket.io/?EIO=4&transport=polling";
    const auto opened = w.ask({.target = path});
    const std::size_t at = opened->body.find(R"("sid":")");
    if (at == std::string::npos) return {};
    return path + "&sid=" + opened->body.substr(at + 7, opened->body.find('"', at + 7) - at - 7);
}

TEST(traffic_of_an_address, errors_of_engineio_and_socketio_count) {
    for (const std::string_view packet : {"x", "4x"}) {
        traffic_world w({.per_address = {.errors_per_minute = 2}});
        const socketio::server io{w.server()};
        ASSERT_TRUE(w.start());
        for (int i = 0; i < 3; ++i)
            (void)w.ask({.method = http::method::post, .target = open_session(w), .body = packet});
        EXPECT_EQ(w.ask({})->status, 429) << packet;
        w.pass(1min);
        EXPECT_NE(w.ask({})->status, 429) << packet;
    }
}

TEST(traffic_of_an_address, counts_each_packet_of_a_post) {
    traffic_world w({.per_address = {.messages_per_second = 10}});
    const socketio::server io{w.server()};
    ASSERT_TRUE(w.start());
    const std::string target = open_session(w);
    std::string body = "40";
    for (int i = 0; i < 40; ++i)
        body +=
            "\x1e"
            R"(42["x"])";
    (void)w.ask({.method = http::method::post, .target = target, .body = body});
    const auto next = w.ask({});
    EXPECT_EQ(next->status, 429);
    EXPECT_EQ(next->body,
              "an address sends too many messages: traffic.per_address.messages_per_second");
}

TEST(traffic_in_a_dry_run, is_logged_and_let_through) {
    traffic_world w({.per_address = {.max_connections = 1}, .dry_run = true});
    w.server().ws("/");
    ASSERT_TRUE(w.start());
    ws::client one(w.loop(), {.url = test_world::url()});
    ws::client two(w.loop(), {.url = test_world::url()});
    EXPECT_EQ(connect(w, one), "");
    EXPECT_EQ(connect(w, two), "");
    EXPECT_THAT(w.all(), HasSubstr("dry_run: let through"));
}

TEST(traffic_of_a_subject, limits_websockets_streams_and_sessions_together) {
    traffic_world w({.per_subject = {.max_connections = 3}});
    w.server().http().before([](const http::request& r) -> admission<void> {
        return identity{std::string(r.header("x-user"))};
    });
    w.server().ws("/ws");
    w.server().sse("/events");
    socketio::server io{w.server()};
    ASSERT_TRUE(w.start());
    const auto ann = [] { return std::vector<ws::client_header>{{"X-User", "ann"}}; };
    ws::client one(w.loop(), {.url = test_world::url("/ws"), .headers = ann()});
    ws::client two(w.loop(), {.url = test_world::url("/ws"), .headers = ann()});
    EXPECT_EQ(connect(w, one), "");
    EXPECT_EQ(connect(w, two), "");
    socketio::client_options options;
    options.url = test_world::url();
    options.extra_headers = {{"X-User", "ann"}};
    options.reconnection = false;
    socketio::client three(w.loop(), options);
    w.run();
    EXPECT_TRUE(three.connected());
    ws::client four(w.loop(), {.url = test_world::url("/ws"), .headers = ann()});
    EXPECT_EQ(connect(w, four),
              "429 too many connections of one subject: traffic.per_subject.max_connections");
    const auto stream = w.ask({.target = "/events", .headers = {{"X-User", "ann"}}});
    EXPECT_EQ(stream->status, 429);
    socketio::client five(w.loop(), options);
    std::string why;
    five.socket().on_connect_error(
        [&](socketio::client_socket&, const socketio::connect_error& e) { why = e.message; });
    w.run();
    EXPECT_FALSE(five.connected());
    EXPECT_FALSE(why.empty());
    one.close();
    w.run();
    EXPECT_EQ(connect(w, four), "");
}

TEST(traffic_of_a_subject, slows_its_sessions_down_over_both_transports) {
    for (const auto transport :
         {engineio::transport_kind::polling, engineio::transport_kind::websocket}) {
        traffic_world w({.per_subject = {.messages_per_second = 10}});
        socketio::server io{w.server()};
        io.use([](socketio::socket&) -> admission<void> { return identity{"ann"}; });
        int received = 0;
        io.on("x", [&](socketio::socket&, int) { ++received; });
        ASSERT_TRUE(w.start());
        socketio::client_options options;
        options.url = test_world::url();
        options.transports = {transport};
        options.reconnection = false;
        socketio::client c(w.loop(), options);
        w.run();
        ASSERT_TRUE(c.connected());
        for (int i = 0; i < 40; ++i) c.socket().emit("x", i);
        w.run();
        c.socket().emit("x", 40);
        w.run();
        c.socket().emit("x", 41);
        w.run();
        const int early = received;
        EXPECT_LT(early, 42) << to_string(transport);
        w.pass(4s);
        EXPECT_EQ(received, 42) << to_string(transport);
        for (int i = 0; i < 300; ++i) c.socket().emit("x", i);
        w.pass(1s);
        EXPECT_FALSE(c.connected()) << to_string(transport);
    }
}

}  // namespace
}  // namespace weft
