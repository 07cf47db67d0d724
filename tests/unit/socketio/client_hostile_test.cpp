// The client against servers that lie, flood and never end: it loses that connection and comes
// back, and what it keeps is bounded.

#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>

#include "unit/socketio/client_world.hpp"

namespace weft::socketio::test {
namespace {

using testing::AnyOf;
using testing::Contains;
using testing::HasSubstr;
using testing::SizeIs;

class socketio_client_hostile : public client_world {
protected:
    // Each attack is a loss of its own: pauses do not grow.
    socketio_client_hostile() { options.reconnection_stable_after = 0s; }

    /// Whether the client is connected again after what the server did.
    void expect_return() {
        server.pass(1100ms);
        server.pass(2100ms);
        EXPECT_TRUE(subject->socket().connected());
    }
};

TEST_F(socketio_client_hostile, broken_packets_end_the_connection_with_parse_error) {
    open();
    const std::string deep = R"(42["e",)" + std::string(600, '[') + std::string(600, ']') + "]";
    for (const std::string& packet :
         {std::string("4"), std::string("49"), std::string("42{}"), std::string("42[]"),
          std::string(R"(42["connect"])"), std::string(R"(42["e")"), std::string(R"(43-1[])"),
          std::string(R"(4318446744073709551616[])"), std::string("40[]"), std::string("40\"x\""),
          std::string(R"(4511-["e"])"), std::string(R"(450-["e"])"),
          std::string(R"(4599999999999-["e",{"_placeholder":true,"num":0}])"), deep}) {
        seen.clear();
        server.send(packet);
        EXPECT_THAT(seen, Contains("parse error")) << packet;
        expect_return();
    }
    server.send(R"(44{"message":"refused, after all"})");
    EXPECT_EQ(seen.back(), "parse error");
    expect_return();
    server.send_binary("nobody announced this");
    EXPECT_EQ(seen.back(), "parse error");
    expect_return();
    server.send(R"(451-["e",{"_placeholder":true,"num":0}])");
    server.send(R"(42["in between"])");
    EXPECT_EQ(seen.back(), "parse error");
    expect_return();
}

TEST_F(socketio_client_hostile, what_third_parties_say_is_only_data) {
    client_socket& s = open();
    s.on_any([this](client_socket&, std::string_view, const raw_arguments& args) {
        note(std::to_string(args.json.size()));
    });
    std::string keys = R"({"k":0)";
    for (int i = 0; i < 1'025; ++i) keys += R"(,"k":0)";
    for (const std::string& what : {std::string(R"({"_placeholder":true,"num":0})"), keys + '}',
                                    std::string(70, '[') + std::string(70, ']')}) {
        server.send(R"(42["said",)" + what + ']');
        EXPECT_EQ(seen.back(), std::to_string(what.size()));
    }
    server.send("42[\"" + std::string(5'000, 'n') + "\"]");
    EXPECT_EQ(seen.back(), "0");
    EXPECT_TRUE(s.connected());
}

TEST_F(socketio_client_hostile, attachments_have_a_limit_together) {
    options.max_message = 10'000;
    open();
    server.send(R"(452-["e",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}])");
    server.send_binary(std::string(6000, 'x'));
    EXPECT_EQ(seen.back(), "connect id-1") << "it waits, and holds what may come";
    server.send_binary(std::string(6000, 'x'));
    EXPECT_EQ(seen.back(), "parse error");
    expect_return();
}

TEST_F(socketio_client_hostile, messages_and_replies_have_a_limit) {
    options.max_message = 10'000;
    open();
    server.send(R"(42["e",")" + std::string(20'000, 'x') + "\"]");
    EXPECT_EQ(seen.back(), "transport error");
    expect_return();
    options.transports = {engineio::transport_kind::polling};
    open();
    server.send(R"(42["e",")" + std::string(20'000, 'x') + "\"]");
    EXPECT_EQ(seen.back(), "transport error");
    expect_return();
    server.answer_poll_with("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n");
    EXPECT_EQ(seen.back(), "transport error");
}

TEST_F(socketio_client_hostile, an_endless_reply_is_cut_off) {
    options.max_message = 10'000;
    options.transports = {engineio::transport_kind::polling};
    open();
    std::string reply = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (int i = 0; i < 100; ++i) reply += "100\r\n" + std::string(256, 'x') + "\r\n";
    server.answer_poll_with(reply);
    EXPECT_EQ(seen.back(), "transport error");
    expect_return();
    std::string head = "HTTP/1.1 200 OK\r\n";
    for (int i = 0; i < 10'000; ++i) head += "X: " + std::string(100, 'x') + "\r\n";
    server.answer_poll_with(head);
    EXPECT_EQ(seen.back(), "transport error");
    expect_return();
}

TEST_F(socketio_client_hostile, redirects_are_refused_with_their_target) {
    options.transports = {engineio::transport_kind::polling};
    options.reconnection = false;
    server.status = "302 Found";
    server.set_cookie = "a=b\r\nLocation: http://evil.example/" + std::string(1000, 'x');
    std::string why;
    make().on_error([&](const error& e) { why = e.message(); });
    server.run();
    EXPECT_THAT(why, HasSubstr("302 and redirects to http://evil.example/xxx"));
    EXPECT_LT(why.size(), 400U);
    EXPECT_THAT(server.requests, SizeIs(1));
}

TEST_F(socketio_client_hostile, unusable_handshakes_are_refused) {
    for (const char* facts :
         {R"({"sid":""})", R"({"sid":1})", R"([])", R"({"pingInterval":1})", "",
          R"({"sid":"x","pingInterval":-1})", R"({"sid":"x","pingInterval":1.5})",
          R"({"sid":"x","pingInterval":"1"})", R"({"sid":"x","upgrades":{}})", R"({"sid":"x"}})"}) {
        seen.clear();
        options.reconnection = false;
        options.transports = {engineio::transport_kind::polling};
        server.open_packet = "0" + std::string(facts);
        open();
        EXPECT_THAT(seen, Contains(HasSubstr("connect_error"))) << facts;
        EXPECT_FALSE(subject->connected());
    }
    server.open_packet = R"(0{"sid":")" + std::string(300, 'x') + "\"}";
    open();
    EXPECT_FALSE(subject->connected());
}

TEST_F(socketio_client_hostile, any_heartbeat_is_endured) {
    options.transports = {engineio::transport_kind::polling};
    server.open_packet =
        R"(0{"sid":"a\r\n b","pingInterval":18446744073709551615,"pingTimeout":18446744073709551615})";
    open();
    EXPECT_TRUE(subject->socket().connected());
    EXPECT_THAT(server.requests.back(), HasSubstr("sid=a%0D%0A%20b"));
    server.pass(47h);
    EXPECT_TRUE(subject->socket().connected());
    server.pass(2h);
    EXPECT_THAT(seen, Contains("ping timeout"));
    server.open_packet = R"(0{"sid":"a","pingInterval":0,"pingTimeout":0})";
    open();
    server.pass(10s);
    EXPECT_LT(server.sessions, 20) << "no faster than the pauses allow";
}

TEST_F(socketio_client_hostile, connects_twice_only_once) {
    client_socket& s = open();
    server.send(R"(40{"sid":"another"})");
    server.send(R"(40/unknown,{"sid":"another"})");
    server.send(R"(42/unknown,["e"])");
    server.send("41/unknown,");
    EXPECT_EQ(s.id(), "id-1");
    EXPECT_EQ(seen, strings{"connect id-1"});
}

TEST_F(socketio_client_hostile, names_that_are_too_long_are_refused) {
    answers_connect = false;
    client_socket& s = open();
    const std::string longest(300, 'x');
    for (const std::string& reply :
         {R"(40{"sid":")" + longest + "\"}", R"(40{"sid":"a","pid":")" + longest + "\"}",
          std::string("40{}"), std::string(R"(40{"sid":1})")}) {
        seen.clear();
        server.send(reply);
        EXPECT_THAT(seen, SizeIs(1)) << reply;
        EXPECT_FALSE(s.connected());
        EXPECT_EQ(s.id(), "");
    }
}

TEST_F(socketio_client_hostile, acknowledgements_that_nobody_asked_for_are_dropped) {
    client_socket& s = open();
    int answers = 0;
    s.emit_with_ack<int>("ask", [&](result<int> n) {
        ++answers;
        EXPECT_FALSE(n) << "a string is no number";
    });
    for (int i = 0; i < 3; ++i) server.send(R"(430["x"])");
    for (int i = 1; i < 100; ++i) server.send("43" + std::to_string(i) + "[]");
    for (const char* empty : {"439007199254740991[]", "43", "431", "42"}) server.send(empty);
    EXPECT_EQ(answers, 1);
    EXPECT_TRUE(s.connected());
}

TEST_F(socketio_client_hostile, unanswered_questions_are_bounded) {
    options.max_pending_acks = 3;
    client_socket& s = open();
    (void)sent();
    for (int i = 0; i < 5; ++i) {
        s.emit_with_ack<void>("ask", [this](result<void> r) { note(r ? "?" : r.error().what()); });
    }
    server.run();
    EXPECT_THAT(sent(), SizeIs(3));
    EXPECT_EQ(seen, (strings{"connect id-1", "the event was not sent: max_pending_acks",
                             "the event was not sent: max_pending_acks"}));
    server.send("430[]");
    s.emit_with_ack<void>("ask", [](result<void>) {});
    server.run();
    EXPECT_THAT(sent(), SizeIs(1));
}

TEST_F(socketio_client_hostile, what_is_to_be_retried_is_bounded) {
    options.retries = 3;
    options.ack_timeout = 1s;
    options.max_queue = 128 * 1024;
    client_socket& s = open();
    const std::string big(70'000, 'x');
    EXPECT_EQ(s.emit("a", big), send_status::queued);
    EXPECT_EQ(s.emit("b", big), send_status::dropped);
    s.emit_with_ack<void>("c", big, [this](result<void> r) { note(r ? "?" : r.error().what()); });
    server.run();
    EXPECT_EQ(seen.back(), "the event was not sent: max_queue");
    server.send("430[]");
    EXPECT_EQ(s.emit("d", big), send_status::queued);
}

TEST_F(socketio_client_hostile, events_before_the_connection_are_bounded) {
    options.max_queue = 128 * 1024;
    answers_connect = false;
    open();
    for (int i = 0; i < 3; ++i) server.send(R"(42["early",")" + std::string(50'000, 'x') + "\"]");
    EXPECT_THAT(seen, Contains("error " + make_error_code(weft::errc::limit_exceeded).message()));
    answers_connect = true;
    expect_return();
}

TEST_F(socketio_client_hostile, a_server_that_reads_nothing_gets_a_bounded_queue) {
    options.transports = {engineio::transport_kind::polling};
    options.max_queue = 128 * 1024;
    open();
    server.answers_posts = false;
    (void)sent();
    std::string pings = "2";
    for (int i = 0; i < 20'000; ++i)
        pings +=
            "\x1e"
            "2";
    server.answer_poll_with("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(pings.size()) +
                            "\r\n\r\n" + pings);
    server.answers_posts = true;
    server.answer_post();
    EXPECT_LT(sent().size(), 2500U);
    EXPECT_TRUE(subject->socket().connected());
}

TEST_F(socketio_client_hostile, random_packets_never_end_more_than_the_connection) {
    const strings seeds{R"(42["e",1,{"a":[null,true,"x\u0041"]}])",
                        R"(4212["e","1795343544322-0"])",
                        R"(451-3["e",{"_placeholder":true,"num":0}])",
                        R"(461-0[{"_placeholder":true,"num":0}])",
                        R"(430["x"])",
                        R"(40{"sid":"s","pid":"p"})",
                        R"(44{"message":"m","data":{"a":1}})",
                        "41",
                        "2",
                        "6",
                        "1"};
    std::mt19937 random(20261122);  // the same every time
    const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random()) % n; };
    more = R"(,"pid":"p1")";
    std::string last;
    client_socket& s = open();
    s.on("e", [](rest<json_view>, ack answer) { answer(1); });
    for (int i = 0; i < 3000; ++i) {
        if (!s.active()) {
            ASSERT_TRUE(s.connect());
        }
        if (!s.connected()) server.pass(6s);
        ASSERT_TRUE(s.connected()) << i;
        std::string packet = seeds[below(seeds.size())];
        for (std::size_t n = below(4); n > 0; --n) {
            const std::size_t at = below(packet.size());
            switch (below(3)) {
                case 0: packet[at] = static_cast<char>(' ' + below(95)); break;
                case 1: packet.erase(at, 1 + below(3)); break;
                default: packet.insert(at, packet.substr(below(packet.size()), 5));
            }
            if (packet.empty()) packet = "4";
        }
        if (below(10) == 0) s.emit_with_ack<int>("ask", [](result<int>) {});
        ASSERT_TRUE(server.on_websocket()) << i << last;
        last = packet;
        below(5) == 0 ? server.send_binary(packet) : server.send(packet);
    }
}

}  // namespace
}  // namespace weft::socketio::test
