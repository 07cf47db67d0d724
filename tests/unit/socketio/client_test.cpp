// A client against a server that the test plays: namespaces, events, acknowledgements, what waits
// while there is no connection, coming back, and recovery.

#include <algorithm>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "socketio/client_core.hpp"
#include "unit/socketio/client_world.hpp"

namespace weft::socketio::test {
namespace {

using socketio_client_test = client_world;

TEST_F(socketio_client_test, connects_and_exchanges_events) {
    client_socket& s = open();
    EXPECT_EQ(seen, strings{"connect id-1"});
    EXPECT_EQ(s.id(), "id-1");
    EXPECT_TRUE(s.connected());
    EXPECT_EQ(subject->transport(), "websocket");
    s.on("say", [this](std::string text, int n) { note(text + std::to_string(n)); });
    server.send(R"(42["say","hi",3])");
    EXPECT_EQ(s.emit("hello", 1, "two", true), send_status::sent);
    server.run();
    EXPECT_EQ(sent(), (strings{"40", R"(42["hello",1,"two",true])"}));
    EXPECT_EQ(seen.back(), "hi3");
}

TEST_F(socketio_client_test, speaks_over_polling_and_upgrades) {
    options.transports = client_options{}.transports;
    client_socket& s = open();
    EXPECT_EQ(seen, strings{"connect id-1"});
    EXPECT_EQ(subject->transport(), "websocket");
    s.emit("a");
    server.run();
    EXPECT_EQ(sent(), (strings{"40", R"(42["a"])"}));
}

TEST_F(socketio_client_test, acknowledges_what_the_server_asks) {
    client_socket& s = open();
    (void)sent();
    s.on("sum", [](int a, int b) { return a + b; })
        .on("both", [](ack answer) { answer(1, "x"); })
        .on("void", [] {})
        .on("bad", []() -> result<int> { return error(errc::bad_argument, "no"); });
    server.send(R"(427["sum",1,2])");
    server.send(R"(428["both"])");
    server.send(R"(429["void"])");
    server.send(R"(4210["bad"])");
    server.send(R"(4211["sum","x"])");
    EXPECT_EQ(sent(), (strings{"437[3]", R"(438[1,"x"])", "439[]",
                               R"(4310[{"error":{"code":"socketio.bad_argument","message":"no"}}])",
                               R"(4311[{"error":{"code":"socketio.bad_argument",)"
                               R"("message":"sum: argument 1: expected an integer"}}])"}));
}

TEST_F(socketio_client_test, an_answer_belongs_to_its_connection) {
    client_socket& s = open();
    std::vector<ack> kept;
    s.on("ask", [&](ack answer) { kept.push_back(std::move(answer)); });
    server.send(R"(427["ask"])");
    server.vanish();
    server.pass(1100ms);
    server.send(R"(428["ask"])");
    (void)sent();
    kept.at(0)(1);
    kept.at(1)(2);
    server.run();
    EXPECT_EQ(sent(), strings{"438[2]"});
}

TEST_F(socketio_client_test, asks_the_server) {
    client_socket& s = open();
    (void)sent();
    s.emit_with_ack<int>("ask", "how many?",
                         [this](result<int> n) { note(n ? std::to_string(*n) : "failed"); });
    s.timeout(3s).emit_with_ack<int>(
        "ask", [this](result<int> n) { note(n ? "answered" : n.error().code().message()); });
    server.run();
    EXPECT_EQ(sent(), (strings{R"(420["ask","how many?"])", R"(421["ask"])"}));
    server.send("430[42]");
    EXPECT_EQ(seen.back(), "42");
    server.pass(3100ms);
    EXPECT_EQ(seen.back(), make_error_code(weft::errc::timed_out).message());
    const std::size_t before = seen.size();
    server.send("431[1]");
    server.send("430[1]");
    EXPECT_EQ(seen.size(), before);
}

weft::task<void> ask(client_socket_ref s, std::string& out) {
    const result<std::string> answer = co_await s.emit_with_ack<std::string>("ask");
    out = answer ? *answer : answer.error().message();
}

TEST_F(socketio_client_test, coroutines_wait_for_answers) {
    client_socket& s = open();
    std::string out;
    weft::detail::spawn(ask(s.ref(), out), [](std::exception_ptr) {});
    server.run();
    server.send(R"(430["yes"])");
    EXPECT_EQ(out, "yes");
    weft::detail::spawn(ask(s.ref(), out), [](std::exception_ptr) {});
    server.run();
    subject.reset();  // and the coroutine that waits with it
    server.run();
    EXPECT_EQ(out, "yes");
}

TEST_F(socketio_client_test, sends_and_receives_binary) {
    client_socket& s = open();
    (void)sent();
    s.on("file", [this](std::string name, std::vector<std::byte> bytes) {
        note(name + ' ' + std::string(as_text(bytes)));
        return message::binary(bytes);
    });
    const std::vector<std::byte> bytes{std::byte{'a'}, std::byte{'b'}};
    s.emit("put", "x", bytes);
    server.run();
    EXPECT_EQ(sent(), (strings{R"(451-["put","x",{"_placeholder":true,"num":0}])", "bab"}));
    server.send(R"(451-3["file","n",{"_placeholder":true,"num":0}])");
    server.send_binary("xyz");
    EXPECT_EQ(seen.back(), "n xyz");
    EXPECT_EQ(sent(), (strings{R"(461-3[{"_placeholder":true,"num":0}])", "bxyz"}));
}

TEST_F(socketio_client_test, namespaces_share_a_connection) {
    client_socket& s = open();
    client_socket& admin = subject->of("/admin");
    EXPECT_EQ(&admin, &subject->of("admin"));
    listen_to(admin);
    admin.on("x", [this] { note("admin x"); });
    server.run();
    server.send(R"(42/admin,["x"])");
    admin.emit("y");
    server.run();
    EXPECT_EQ(seen, (strings{"connect id-1", "/admin connect admin-id", "admin x"}));
    EXPECT_EQ(sent(), (strings{"40", "40/admin,", R"(42/admin,["y"])"}));
    EXPECT_EQ(server.sessions, 1);
    admin.disconnect();
    server.run();
    EXPECT_EQ(sent(), strings{"41/admin,"});
    EXPECT_TRUE(subject->connected());
    s.disconnect();
    server.run();
    EXPECT_EQ(sent(), strings{"41"});
    EXPECT_FALSE(subject->connected());
    EXPECT_EQ(seen.back(), "io client disconnect");
    server.pass(1min);
    EXPECT_EQ(server.sessions, 1);
}

TEST_F(socketio_client_test, the_path_of_the_url_is_the_namespace) {
    options.url = "http://127.0.0.1/admin?x=1";
    open();
    EXPECT_EQ(seen, strings{"/admin connect admin-id"});
    EXPECT_NE(server.requests.at(0).find("GET /socket.io/?x=1&EIO=4&transport=websocket "),
              std::string::npos);
}

TEST_F(socketio_client_test, shows_its_auth) {
    int calls = 0;
    options.auth = [&calls] {
        return std::map<std::string, std::string>{{"token", "t" + std::to_string(++calls)}};
    };
    client_socket& s = open();
    EXPECT_EQ(sent(), strings{R"(40{"token":"t1"})"});
    s.disconnect();
    server.run();
    ASSERT_TRUE(s.connect());
    server.run();
    EXPECT_EQ(sent(), (strings{"41", R"(40{"token":"t2"})"}));
    s.disconnect();
    s.set_auth(std::map<std::string, int>{{"n", 1}});
    server.run();
    ASSERT_TRUE(s.connect());
    server.run();
    EXPECT_EQ(sent(), (strings{"41", R"(40{"n":1})"}));
}

TEST_F(socketio_client_test, is_told_why_it_may_not_connect) {
    answers_connect = false;
    client_socket& s = open();
    server.send(R"(44{"message":"nope","data":{"code":7}})");
    EXPECT_EQ(seen, strings{R"(connect_error nope {"code":7})"});
    EXPECT_FALSE(s.active());
    server.pass(1min);
    EXPECT_EQ(server.sessions, 1);
    answers_connect = true;
    ASSERT_TRUE(s.connect());
    server.run();
    EXPECT_TRUE(s.connected());
}

TEST_F(socketio_client_test, what_is_emitted_while_disconnected_waits) {
    client_socket& s = make().socket();
    EXPECT_EQ(s.emit("one"), send_status::queued);
    EXPECT_EQ(s.volatile_().emit("lost"), send_status::dropped);
    s.emit_with_ack<void>("two", [this](result<void> r) { note(r ? "acked" : "failed"); });
    server.run();
    EXPECT_EQ(sent(), (strings{"40", R"(42["one"])", R"(420["two"])"}));
    server.vanish();
    EXPECT_EQ(seen.back(), "failed");
    s.emit("three");
    s.timeout(500ms).emit_with_ack<void>(
        "four", [this](result<void> r) { note(r ? "acked" : r.error().code().message()); });
    server.pass(600ms);
    EXPECT_EQ(seen.back(), make_error_code(weft::errc::timed_out).message());
    server.pass(500ms);
    EXPECT_EQ(sent(), (strings{"40", R"(42["three"])"})) << "what timed out is not sent";
}

TEST_F(socketio_client_test, what_waits_is_bounded) {
    options.max_queue = 128 * 1024;
    options.auto_connect = false;
    client_socket& s = make().socket();
    const std::string big(100'000, 'x');
    EXPECT_EQ(s.emit("a", big), send_status::queued);
    EXPECT_EQ(s.emit("a", big), send_status::dropped);
    s.emit_with_ack<void>(
        "a", big, [this](result<void> r) { note(r ? "acked" : r.error().code().message()); });
    server.run(1);
    EXPECT_EQ(seen.at(0), make_error_code(weft::errc::limit_exceeded).message());
}

TEST_F(socketio_client_test, events_before_the_answer_wait_for_it) {
    answers_connect = false;
    client_socket& s = make().socket();
    s.on("early", [this](int n) { note("early " + std::to_string(n)); });
    server.run();
    server.send(R"(42["early",1])");
    server.send(R"(42["early",2])");
    EXPECT_TRUE(seen.empty());
    server.send(R"(40{"sid":"x"})");
    EXPECT_EQ(seen, (strings{"early 1", "early 2", "connect x"}));
}

TEST_F(socketio_client_test, what_is_on_its_way_when_it_leaves_does_not_reach_its_next_connection) {
    client_socket& s = open();
    subject->of("/admin");  // which keeps the connection below
    server.run();
    s.on("news", [this](const std::string& text) { note(text); });
    s.on("ask", [this](int) {
        note("asked");
        return 1;
    });
    answers_connect = false;
    s.disconnect();
    ASSERT_TRUE(s.connect());
    server.send("42[\"news\",\"old\"]");
    server.send("420[\"ask\",7]");  // its answer would be one to a question of the next connection
    server.send("41");
    server.run();
    server.send("40{\"sid\":\"next\"}");
    server.send("42[\"news\",\"new\"]");
    server.run();
    EXPECT_EQ(seen, (strings{"connect id-1", "io client disconnect", "connect next", "new"}));
    EXPECT_EQ(sent(), (strings{"40", "40/admin,", "41", "40"}));
}

TEST_F(socketio_client_test, who_leaves_while_connecting_is_gone_once_the_answer_comes) {
    open();
    answers_connect = false;
    client_socket& admin = subject->of("/admin");
    admin.on_connect(
        [this](client_socket&) { note("admin " + std::string(subject->of("/admin").id())); });
    admin.on("news", [this](const std::string& text) { note(text); });
    server.run();
    admin.disconnect();
    ASSERT_TRUE(admin.connect());
    server.run();
    EXPECT_EQ(sent(), (strings{"40", "40/admin,"}));  // a second one would end it all
    server.send("40/admin,{\"sid\":\"late\"}");
    server.send("42/admin,[\"news\",\"old\"]");
    server.run();
    EXPECT_EQ(sent(), (strings{"41/admin,", "40/admin,"}));
    server.send("40/admin,{\"sid\":\"next\"}");
    server.send("42/admin,[\"news\",\"new\"]");
    server.run();
    EXPECT_EQ(seen, (strings{"connect id-1", "admin next", "new"}));

    client_socket& other = subject->of("/other");
    server.run();
    other.disconnect();
    server.send("40/other,{\"sid\":\"late\"}");
    server.run();
    EXPECT_EQ(sent(), (strings{"40/other,", "41/other,"}));
    ASSERT_TRUE(other.connect());
    server.run();
    other.disconnect();
    ASSERT_TRUE(other.connect());
    server.send("44/other,{\"message\":\"full\"}");  // there is no socket to take leave of
    server.run();
    EXPECT_EQ(sent(), (strings{"40/other,", "40/other,"}));
}

TEST_F(socketio_client_test, comes_back_with_growing_pauses) {
    client_socket& s = open();
    server.status = "503 Busy";
    server.refuses_websockets = true;
    server.vanish();
    EXPECT_EQ(seen, (strings{"connect id-1", "transport error"}));
    EXPECT_TRUE(s.active());
    seen.clear();
    for (const auto& [pause, n] : {std::pair{1000, 1}, {2000, 2}, {4000, 3}, {5000, 4}}) {
        server.pass(std::chrono::milliseconds(pause - 50));
        EXPECT_TRUE(seen.empty()) << n;
        server.pass(60ms);
        ASSERT_EQ(seen.size(), 4U) << n;
        EXPECT_EQ(seen[0], "attempt " + std::to_string(n));
        EXPECT_EQ(seen[3], "reconnect error");
        EXPECT_EQ(seen[2].rfind("connect_error ", 0), 0U);
        seen.clear();
    }
    server.status = "200 OK";
    server.refuses_websockets = false;
    server.pass(5100ms);
    EXPECT_EQ(seen, (strings{"attempt 5", "reconnect 5", "connect id-2"}));
}

TEST_F(socketio_client_test, gives_up_after_so_many_attempts) {
    options.reconnection_attempts = 2;
    server.status = "503 Busy";
    server.refuses_websockets = true;
    make();
    server.run();
    server.pass(1100ms);
    server.pass(2100ms);
    server.pass(1min);
    EXPECT_EQ(std::count(seen.begin(), seen.end(), "reconnect error"), 2);
    EXPECT_EQ(std::count(seen.begin(), seen.end(), "reconnect failed"), 1);
    EXPECT_EQ(seen.back(), "reconnect error");
    seen.clear();
    server.status = "200 OK";
    server.refuses_websockets = false;
    ASSERT_TRUE(subject->connect());
    server.run();
    EXPECT_EQ(seen, strings{"connect id-1"});
}

TEST_F(socketio_client_test, connections_that_end_at_once_count_as_attempts) {
    options.reconnection_attempts = 2;
    open();
    for (const auto& [pause, n] : {std::pair{1000, 1}, {2000, 2}}) {
        server.vanish();
        server.pass(std::chrono::milliseconds(pause - 50));
        EXPECT_EQ(server.sessions, n) << "the pauses grow";
        server.pass(60ms);
        EXPECT_EQ(seen.back(), "connect id-" + std::to_string(n + 1));
    }
    server.vanish();
    server.pass(1min);
    EXPECT_EQ(seen.back(), "reconnect failed");
    EXPECT_EQ(server.sessions, 3);
}

TEST_F(socketio_client_test, a_connection_that_lasts_begins_the_count_anew) {
    options.reconnection_attempts = 1;
    open();
    for (int i = 0; i < 3; ++i) {
        server.pass(10s);
        server.vanish();
        server.pass(1100ms);
    }
    EXPECT_EQ(seen.back(), "connect id-4");
}

TEST_F(socketio_client_test, a_refusal_is_told_with_what_the_server_wrote) {
    server.status = "401 Unauthorized";
    server.set_cookie = "a=b";
    for (const auto how :
         {engineio::transport_kind::polling, engineio::transport_kind::websocket}) {
        options.transports = {how};
        std::string told;
        make().socket().on_connect_error([&](client_socket&, const connect_error& failed) {
            const http::client_response& got = *failed.response;
            told = std::to_string(got.head.status()) + " " +
                   std::string(got.head.header("set-cookie")) + " " + std::string(got.body);
        });
        server.run();
        EXPECT_EQ(told, "401 a=b no");
    }
}

TEST_F(socketio_client_test, does_not_come_back_when_told_not_to) {
    options.reconnection = false;
    open();
    server.vanish();
    server.pass(1min);
    EXPECT_EQ(seen, (strings{"connect id-1", "transport error"}));
}

TEST_F(socketio_client_test, an_attempt_has_its_time) {
    server.accepts = false;
    make();
    server.run();
    server.pass(19s);
    EXPECT_TRUE(seen.empty());
    server.pass(1100ms);
    ASSERT_FALSE(seen.empty());
    EXPECT_EQ(seen[0], "error " + make_error_code(weft::errc::timed_out).message());
    server.accepts = true;
    server.pass(1100ms);
    EXPECT_EQ(seen.back(), "connect id-1");
}

TEST_F(socketio_client_test, hears_how_the_server_took_leave) {
    client_socket& s = open();
    server.send("41");
    EXPECT_EQ(seen.back(), "io server disconnect");
    EXPECT_FALSE(s.active());
    server.pass(1min);
    EXPECT_EQ(server.sessions, 1);
    ASSERT_TRUE(s.connect());
    server.run();
    server.close_websocket();
    EXPECT_EQ(seen.back(), "transport close");
    server.pass(1100ms);
    EXPECT_EQ(seen.back(), "connect id-3");
    server.send("42[]");
    EXPECT_EQ(seen.back(), "parse error");
    server.pass(2100ms);
    server.pass(46s);
    EXPECT_EQ(seen.back(), "ping timeout");
}

TEST_F(socketio_client_test, recovers_its_session) {
    more = R"(,"pid":"p1")";
    client_socket& s = open();
    s.on("say", [this](std::string text) { note("say " + text); });
    s.on("ask", [this](std::string text) { note("ask " + text); });
    server.send(R"(42["say","a b","1795343544322-0"])");
    server.send(R"(42["say","last"])");
    server.send(R"(425["ask","1795343544399-1"])");
    server.vanish();
    (void)sent();
    server.pass(1100ms);
    EXPECT_EQ(sent(), strings{R"(40{"pid":"p1","offset":"1795343544322-0"})"});
    EXPECT_EQ(seen,
              (strings{"connect id-1", "say a b", "say last", "ask 1795343544399-1",
                       "transport error", "attempt 1", "reconnect 1", "connect id-2 recovered"}));
    more = R"(,"pid":"p2")";
    server.send(R"(42["say","x","Q82xtA4.1"])");
    server.vanish();
    server.pass(2100ms);
    EXPECT_EQ(sent(), strings{R"(40{"pid":"p1","offset":"Q82xtA4.1"})"});
    EXPECT_EQ(seen.back(), "connect id-3");
    EXPECT_FALSE(s.recovered());
}

TEST_F(socketio_client_test, retries_until_the_server_acknowledges) {
    options.retries = 1;
    options.ack_timeout = 1s;
    client_socket& s = open();
    (void)sent();
    const auto told = [this](const char* what) {
        return [this, what](result<void> r) { note(std::string(what) + (r ? " acked" : " lost")); };
    };
    s.emit_with_ack<void>("one", told("one"));
    s.emit_with_ack<void>("two", told("two"));
    s.emit("three");
    server.run();
    EXPECT_EQ(sent(), strings{R"(420["one"])"}) << "one at a time";
    server.pass(1100ms);
    EXPECT_EQ(sent(), strings{R"(421["one"])"});
    server.send("431[]");
    EXPECT_EQ(seen.back(), "one acked");
    EXPECT_EQ(sent(), strings{R"(422["two"])"});
    server.pass(1100ms);
    server.pass(1100ms);
    EXPECT_EQ(seen.back(), "two lost");
    EXPECT_EQ(sent(), (strings{R"(423["two"])", R"(424["three"])"}));
    server.vanish();
    server.pass(1100ms);
    EXPECT_EQ(sent(), (strings{"40", R"(425["three"])"}));
    server.send("435[]");
    server.pass(10s);
    EXPECT_TRUE(sent().empty());
}

TEST_F(socketio_client_test, volatile_events_leave_unless_the_server_is_behind) {
    client_socket& s = open();
    (void)sent();
    s.emit("a");
    EXPECT_EQ(s.volatile_().emit("b"), send_status::sent);
    server.run();
    EXPECT_EQ(sent(), (strings{R"(42["a"])", R"(42["b"])"}));
    s.emit("big", std::string(600'000, 'x'));
    EXPECT_EQ(s.volatile_().emit("c"), send_status::dropped);
}

TEST_F(socketio_client_test, an_auth_that_throws_shows_nothing) {
    options.auth = []() -> std::map<std::string, int> { throw std::runtime_error("oops"); };
    open();
    EXPECT_EQ(sent(), strings{"40"});
}

TEST_F(socketio_client_test, reserved_names_are_not_sent) {
    client_socket& s = open();
    (void)sent();
    EXPECT_EQ(s.emit("connect"), send_status::misuse);
    EXPECT_EQ(s.emit("caf\xe9"), send_status::misuse);
    s.emit_with_ack<void>("disconnect", [this](result<void> r) { note(r ? "?" : "refused"); });
    server.run();
    EXPECT_TRUE(sent().empty());
    EXPECT_EQ(seen.back(), "refused");
}

TEST_F(socketio_client_test, hears_everything_with_on_any) {
    client_socket& s = open();
    s.on_any([this](client_socket&, std::string_view event, const raw_arguments& args) {
        note(std::string(event) + ' ' + std::string(args.json));
    });
    server.send(R"(42["a\u0062",1,[2]])");
    server.send("42[5]");
    EXPECT_EQ(seen, (strings{"connect id-1", "ab 1,[2]", "5 "}));
    s.on("x", [this] { note("x"); }).off("x");
    server.send(R"(42["x"])");
    EXPECT_EQ(seen.back(), "x ");
}

TEST_F(socketio_client_test, what_handlers_throw_ends_nothing) {
    client_socket& s = open();
    (void)sent();
    s.on("bad", [] { throw std::runtime_error("oops"); });
    server.send(R"(427["bad"])");
    EXPECT_EQ(sent(), strings{R"(437[{"error":{"code":"socketio.handler_failed",)"
                              R"("message":"internal error"}}])"});
    EXPECT_TRUE(s.connected());
}

TEST_F(socketio_client_test, speaks_msgpack) {
    options.parser = packet_parser::msgpack;
    client_socket& s = make().socket();
    server.on_packet = nullptr;
    server.run();
    ASSERT_EQ(server.packets.size(), 1U);
    EXPECT_EQ(server.packets[0][0], 'b');
    using namespace std::string_literals;
    server.send_binary(
        "\x83\xa4type\x00\xa4"s
        "data\x81\xa3sid\xa1x\xa3nsp\xa1/"s);
    EXPECT_EQ(seen, strings{"connect x"});
    s.on("e", [this](std::vector<std::byte> bytes) { note(std::string(as_text(bytes))); });
    server.send_binary(
        "\x83\xa4type\x02\xa4"s
        "data\x92\xa1"s
        "e\xc4\x02hi\xa3nsp\xa1/"s);
    EXPECT_EQ(seen.back(), "hi");
}

TEST_F(socketio_client_test, names_reach_the_socket_from_anywhere) {
    client_socket& s = open();
    (void)sent();
    const client_socket_ref name = s.ref();
    std::thread other([&] { EXPECT_EQ(name.emit("a", 1), send_status::queued); });
    other.join();
    EXPECT_EQ(s.emit("b"), send_status::sent);
    server.run();
    EXPECT_EQ(sent(), (strings{R"(42["b"])", R"(42["a",1])"}));
    subject.reset();
    EXPECT_EQ(name.emit("c"), send_status::closed);
    std::string out;
    weft::detail::spawn(ask(name, out), [](std::exception_ptr) {});
    server.run();
    EXPECT_FALSE(out.empty());
}

TEST_F(socketio_client_test, takes_leave_when_destroyed) {
    open();
    (void)sent();
    subject.reset();
    server.run();
    EXPECT_EQ(sent(), strings{"41"});
    EXPECT_FALSE(server.on_websocket());
    EXPECT_EQ(seen, strings{"connect id-1"});
}

TEST_F(socketio_client_test, may_be_destroyed_wherever_it_reports) {
    for (const char* where : {"connect id-1", "event", "any", "answer", "transport error",
                              "attempt 1", "io client disconnect"}) {
        seen.clear();
        connects = 0;
        at_event = [&](const std::string& what) {
            if (what == where) subject.reset();
        };
        client_socket& s = make().socket();
        s.on("e", [this] { note("event"); });
        s.on_any([this](client_socket&, std::string_view, const raw_arguments&) { note("any"); });
        s.emit_with_ack<void>("ask", [this](result<void>) { note("answer"); });
        server.run();
        if (subject) server.send(R"(42["e"])");
        if (subject) server.send("430[]");
        if (subject && where == std::string("io client disconnect")) s.disconnect();
        if (subject) server.vanish();
        if (subject) server.pass(1100ms);
        EXPECT_EQ(subject, nullptr) << where;
        server.run();
        server.vanish();
    }
}

TEST_F(socketio_client_test, says_what_is_wrong_with_its_options) {
    options.auto_connect = false;
    options.reconnection_delay_max = 1ms;
    EXPECT_FALSE(make().connect());
    options = {};
    options.auto_connect = false;
    options.max_queue = 1000;
    EXPECT_FALSE(make().connect());
    options = {};
    options.auto_connect = false;
    options.url = "localhost:3000";
    EXPECT_THAT(make().connect().error().what(), testing::HasSubstr("it has no scheme"));
    options.auto_connect = true;
    make();
    server.run();
    server.pass(1min);
    ASSERT_FALSE(seen.empty());
    EXPECT_EQ(seen[0], "error " + make_error_code(weft::errc::invalid_argument).message());
    EXPECT_EQ(std::count(seen.begin(), seen.end(), "attempt 1"), 0);
}

TEST_F(socketio_client_test, survives_a_failure_at_every_operation) {
    options.transports = client_options{}.transports;
    std::size_t at = 0;
    for (bool failed = true; failed && at < 400; ++at) {
        seen.clear();
        client_socket& s = make().socket();
        int answers = 0;
        const std::size_t until = io.operations() + at;
        io.fail_operation(until, std::errc::connection_reset);
        server.run();
        server.pass(1100ms);
        s.timeout(5s).emit_with_ack<void>("ask", [&](result<void>) { ++answers; });
        server.run();
        server.pass(6s);
        failed = io.operations() > until;
        EXPECT_EQ(answers, 1) << at;
        EXPECT_TRUE(s.connected()) << at;
        subject.reset();
        server.run();
    }
    EXPECT_GT(at, 10U);
    EXPECT_LT(at, 400U);
}

TEST_F(socketio_client_test, the_loop_may_end_first) {
    open();
    core->shut_down();
    const strings told = seen;
    EXPECT_EQ(told, (strings{"connect id-1", "transport error"}));
    subject.reset();
    EXPECT_EQ(seen, told);
}

TEST(reconnection_pause, is_the_curve_of_the_javascript_client) {
    client_options how;
    how.randomization_factor = 0;
    EXPECT_EQ(detail::reconnection_pause(how, 0, 7), 1s);
    EXPECT_EQ(detail::reconnection_pause(how, 2, 7), 4s);
    EXPECT_EQ(detail::reconnection_pause(how, 3, 7), 5s);
    EXPECT_EQ(detail::reconnection_pause(how, 5000, 7), 5s);
    how.randomization_factor = 0.5;
    EXPECT_EQ(detail::reconnection_pause(how, 0, 0), 500ms);
    EXPECT_EQ(detail::reconnection_pause(how, 0, UINT32_MAX), 1500ms);
}

}  // namespace
}  // namespace weft::socketio::test
