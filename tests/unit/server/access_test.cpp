// What an access log is told of requests and connections when they end.

#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <weft/net/access.hpp>
#include <weft/server/server.hpp>
#include <weft/socketio/server.hpp>

#include "server_world.hpp"

namespace weft::test {
namespace {

/// Keeps each record as text: kind, method, path, code, cause, subject, trace.
class kept_access final : public access_sink {
public:
    struct line {
        std::string text;
        std::string address;
        std::uint64_t received;
        std::uint64_t sent;
        duration took;
    };
    void write(const access_record& r) noexcept override {
        std::ostringstream out;
        out << to_string(r.kind) << ' ' << r.method << ' ' << r.path << ' ' << r.code
            << " cause=" << (r.cause ? r.cause.message() : "")
            << " sub=" << (r.whose.who() != nullptr ? r.whose.who()->subject : "")
            << " trace=" << r.trace_id;
        lines.put({out.str(), r.whose.address().address(), r.received, r.sent, r.took});
    }
    /// The last of so many.
    line last_of(std::size_t count) { return lines.wait_for(count).back(); }

    inbox<line> lines;
};

server_options told_to(access_sink& access) {
    server_options options;
    options.log = nullptr;
    options.access = &access;
    return options;
}

class server_access : public testing::Test {
protected:
    void begin() {
        port_ = *s.listen(loopback());
        running_.emplace(s);
    }
    kept_access told;
    server s{told_to(told)};
    std::uint16_t port_ = 0;
    std::optional<running> running_;
};

TEST_F(server_access, a_request_is_told_once_with_its_answer) {
    (void)s.http().get("/hello/:name",
                       [](const http::request&) { return http::response::text(200, "hi"); });
    s.http().before("/hello",
                    [](const http::request&) -> admission<void> { return identity{"ann"}; });
    begin();
    client c(port_);
    const std::string first = "GET /hello/a%20b?token=secret HTTP/1.1\r\nHost: h\r\n\r\n";
    c.send(first);
    const std::string head = c.head();
    const auto one = told.last_of(1);
    EXPECT_EQ(one.text, "request GET /hello/a b 200 cause= sub=ann trace=");
    EXPECT_EQ(one.address, "127.0.0.1");
    EXPECT_EQ(one.received, first.size());
    EXPECT_EQ(one.sent, head.size() + 2);
    c.send(
        "GET /none HTTP/1.1\r\nHost: h\r\n"
        "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01\r\n\r\n");
    EXPECT_EQ(told.last_of(2).text,
              "request GET /none 404 cause= sub= trace=4bf92f3577b34da6a3ce929d0e0e4736");
}

TEST_F(server_access, a_body_counts) {
    (void)s.http().post("/up", [](const http::request&) { return http::response(204); });
    begin();
    client c(port_);
    const std::string head = "POST /up HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n";
    c.send(head);
    c.send("abcde");
    const auto one = told.last_of(1);
    EXPECT_EQ(one.text, "request POST /up 204 cause= sub= trace=");
    EXPECT_EQ(one.received, head.size() + 5);
}

TEST_F(server_access, what_was_refused_has_its_cause) {
    begin();
    client c(port_);
    c.send("GET / HTTP/1.1\r\n bad\r\n\r\n");
    EXPECT_TRUE(c.rest().starts_with("HTTP/1.1 400 "));
    const std::string text = told.last_of(1).text;
    EXPECT_TRUE(text.starts_with("request   400 cause=")) << text;
    EXPECT_FALSE(text.starts_with("request   400 cause= ")) << text;
}

TEST_F(server_access, who_leaves_before_the_answer_is_told) {
    inbox<http::responder> kept;
    inbox<int> asked;
    std::vector<http::responder> held;
    (void)s.http().get("/slow", [&](const http::request&, http::responder answer) {
        held.push_back(std::move(answer));
        asked.put(1);
    });
    begin();
    {
        client c(port_);
        c.send("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n");
        (void)asked.wait_for(1);
    }
    EXPECT_EQ(told.last_of(1).text,
              "request GET /slow 0 cause=" + make_error_code(errc::closed_by_peer).message() +
                  " sub= trace=");
    running_.reset();
    held.clear();
}

TEST_F(server_access, an_event_stream_is_told_at_its_end) {
    inbox<int> opened;
    s.sse("/events").on_open([&](sse::stream& stream, const http::request&) {
        (void)stream.send(sse::event{.data = "one"});
        opened.put(1);
    });
    begin();
    std::size_t heard = 0;
    {
        client c(port_);
        c.send("GET /events HTTP/1.1\r\nHost: h\r\n\r\n");
        heard = c.head().size();
        (void)opened.wait_for(1);
    }
    const auto one = told.last_of(1);
    EXPECT_EQ(one.text, "stream GET /events 200 cause=" +
                            make_error_code(errc::closed_by_peer).message() + " sub= trace=");
    EXPECT_GT(one.sent, heard);
}

TEST_F(server_access, a_websocket_is_told_at_its_end_and_not_as_a_request) {
    s.ws("/ws").on_message([](auto& c, message_view m) { c.send(m); });
    begin();
    client c(port_);
    const std::string head = c.handshake();
    ASSERT_TRUE(head.starts_with("HTTP/1.1 101 "));
    c.send(text_frame("hello"));
    EXPECT_EQ(c.frame().payload, "hello");
    c.send(close_frame(4001));
    EXPECT_EQ(c.frame().close_code(), 4001);
    const auto one = told.last_of(1);
    EXPECT_EQ(one.text, "websocket GET /ws 4001 cause= sub= trace=");
    EXPECT_EQ(one.received,
              upgrade_request.size() + text_frame("hello").size() + close_frame(4001).size());
    EXPECT_EQ(one.sent, head.size() + 2 + 5 + 2 + 2);
}

TEST_F(server_access, a_websocket_that_breaks_a_rule_has_our_code_and_the_cause) {
    s.ws("/ws").on_message([](auto&, message_view) {});
    begin();
    client c(port_);
    c.handshake();
    c.send(std::string("\x81\x01x", 3));  // unmasked
    (void)c.rest();
    const std::string text = told.last_of(1).text;
    EXPECT_TRUE(text.starts_with("websocket GET /ws 1002 cause=")) << text;
    EXPECT_FALSE(text.starts_with("websocket GET /ws 1002 cause= ")) << text;
}

TEST_F(server_access, a_websocket_that_vanishes_is_1006) {
    s.ws("/ws");
    begin();
    {
        client c(port_);
        c.handshake();
    }
    const std::string text = told.last_of(1).text;
    EXPECT_TRUE(text.starts_with("websocket GET /ws 1006 cause=")) << text;
}

TEST_F(server_access, a_websocket_that_we_close_has_our_code) {
    s.ws("/ws").on_open([](auto& c) { c.close(ws::close_code{4007}); });
    begin();
    {
        client c(port_);
        c.handshake();
        EXPECT_EQ(c.frame().close_code(), 4007);
    }
    EXPECT_TRUE(told.last_of(1).text.starts_with("websocket GET /ws 4007 "));
}

TEST_F(server_access, a_session_of_engineio_is_told_besides_its_requests) {
    socketio::server io(s);
    begin();
    client c(port_);
    const std::string path = "/socket.io/?EIO=4&transport=polling";
    c.send("GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n");
    (void)c.head();
    const std::string greeting = c.take(std::string(29, ' '));  // 0{"sid":"AAAAAAAAAAAAAAAAAAAA
    c.send("POST " + path + "&sid=" + greeting.substr(9) +
           " HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nConnection: close\r\n\r\n1");
    (void)c.rest();
    std::vector<std::string> texts;
    for (const kept_access::line& each : told.lines.wait_for(3)) texts.push_back(each.text);
    EXPECT_THAT(texts,
                testing::UnorderedElementsAre("request GET /socket.io/ 200 cause= sub= trace=",
                                              "request POST /socket.io/ 200 cause= sub= trace=",
                                              "engineio  /socket.io/ 0 cause= sub= trace="));
}

TEST(server_access_behind_a_proxy, the_client_is_whom_the_proxy_names) {
    kept_access told;
    server_options options = told_to(told);
    options.http.trusted_proxies = {"127.0.0.1"};
    server s(std::move(options));
    s.ws("/ws");
    const auto port = s.listen(loopback());
    ASSERT_TRUE(port);
    running run(s);
    client c(*port);
    c.send("GET /x HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 203.0.113.9\r\n\r\n");
    EXPECT_EQ(told.last_of(1).address, "203.0.113.9");
    c.handshake("X-Forwarded-For: 203.0.113.10\r\n");
    c.send(close_frame(1000));
    (void)c.rest();
    EXPECT_EQ(told.last_of(2).address, "203.0.113.10");
}

}  // namespace
}  // namespace weft::test
