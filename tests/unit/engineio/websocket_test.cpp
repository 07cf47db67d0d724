// Sessions over WebSocket, and the way there from polling.

#include <gtest/gtest.h>

#include "eio_world.hpp"

namespace weft::engineio::test {
namespace {

using reasons = std::vector<close_reason>;
using texts = std::vector<std::string>;

struct upgrading {
    explicit upgrading(options chosen = {}) : world(std::move(chosen)) {
        sid = world.open_polling();
        socket = world.open_websocket(query());
    }
    std::string query() const { return "EIO=4&transport=websocket&sid=" + sid; }
    int close_code() {
        for (const server_frame& f : world.frames(socket)) {
            if (f.op() == 8) return f.close_code();
        }
        return 0;
    }

    eio_world world;
    std::string sid;
    eio_world::peer socket = -1;
};

TEST(websocket, opens_without_polling) {
    eio_world world;
    const auto client = world.open_websocket();
    EXPECT_EQ(world.first.status, 101);
    ASSERT_EQ(world.users.size(), 1U);
    EXPECT_EQ(world.texts(client),
              texts{R"(0{"sid":")" + world.users[0]->sid +
                    R"(","upgrades":[],"pingInterval":25000,"pingTimeout":20000,)"
                    R"("maxPayload":1000000})"});
    EXPECT_EQ(world.at(0).transport(), transport_kind::websocket);
    EXPECT_EQ(world.metric("weft_engineio_sessions", R"(transport="websocket")"), 1U);
}

TEST(websocket, answers_the_first_subprotocol_that_is_offered) {
    eio_world world;
    world.open_websocket("EIO=4&transport=websocket", "Sec-WebSocket-Protocol: one, two\r\n");
    EXPECT_EQ(world.first.status, 101);
    EXPECT_TRUE(world.first.has("Sec-WebSocket-Protocol: one\r\n")) << world.first.head;
    world.open_websocket();
    EXPECT_FALSE(world.first.has("Sec-WebSocket-Protocol")) << world.first.head;
}

TEST(websocket, never_answers_with_a_token_that_is_offered) {
    eio_world world;
    const std::string token = "bearer." + std::string(150, 'x');
    world.open_websocket("EIO=4&transport=websocket",
                         "Sec-WebSocket-Protocol: " + token + ", two\r\n");
    EXPECT_EQ(world.first.status, 101);
    EXPECT_TRUE(world.first.has("Sec-WebSocket-Protocol: two\r\n")) << world.first.head;
}

TEST(websocket, carries_text_and_bytes_both_ways) {
    eio_world world;
    world.on_message = [](session& s, const message_view& m) {
        s.send(m.is_text() ? message_view("4" + std::string(m.text())) : m);
    };
    const auto client = world.open_websocket();
    (void)world.texts(client);
    world.say(client, "4hello");
    world.send(client, ws::test::binary_frame("\x04\x01"));
    world.say(client, "bAQID");
    EXPECT_EQ(world.users[0]->messages, (texts{"hello", "bytes:\x04\x01", "bytes:\x01\x02\x03"}));
    EXPECT_EQ(world.texts(client), (texts{"4hello", "\x04\x01", "\x01\x02\x03"}));
    EXPECT_EQ(world.at(0).send(message::text("4shared")), send_status::sent);
    EXPECT_EQ(world.at(0).send(message::binary(as_bytes("raw"))), send_status::sent);
    world.run();
    EXPECT_EQ(world.texts(client), (texts{"4shared", "raw"}));
}

TEST(websocket, a_client_without_binary_frames_gets_base64) {
    eio_world world;
    const auto client = world.open_websocket("EIO=4&transport=websocket&b64=1");
    (void)world.texts(client);
    world.at(0).send(message::binary(as_bytes("\x01\x02\x03")));
    world.at(0).send(message_view(message_kind::binary, as_bytes("\x01\x02\x03")));
    world.run();
    EXPECT_EQ(world.texts(client), (texts{"bAQID", "bAQID"}));
}

TEST(websocket, the_clients_close_packet_closes) {
    eio_world world;
    const auto client = world.open_websocket();
    world.say(client, "1");
    EXPECT_EQ(world.users[0]->closed, reasons{close_reason::transport_close});
    EXPECT_EQ(world.frames(client).back().op(), 8);
}

TEST(websocket, the_end_of_the_connection_ends_the_session) {
    eio_world world;
    const auto client = world.open_websocket();
    world.send(client, ws::test::close_frame(1000));
    EXPECT_EQ(world.users[0]->closed, reasons{close_reason::transport_close});
    const auto second = world.open_websocket();
    world.io.peer_reset(second);
    world.run();
    EXPECT_EQ(world.users[1]->closed, reasons{close_reason::transport_close});
    EXPECT_EQ(world.engine.sessions(), 0U);
}

TEST(websocket, the_server_closes_behind_what_is_queued) {
    eio_world world;
    const auto client = world.open_websocket();
    (void)world.frames(client);
    world.at(0).send(message::text("4last"));
    world.at(0).close(close_reason::server_shutting_down);
    EXPECT_EQ(world.at(0).send(message::text("4late")), send_status::closed);
    world.run();
    const auto frames = world.frames(client);
    ASSERT_EQ(frames.size(), 2U);
    EXPECT_EQ(frames[0].payload, "4last");
    EXPECT_EQ(frames[1].close_code(), 1001);
    world.send(client, ws::test::close_frame(1001));
    EXPECT_EQ(world.users[0]->closed, reasons{close_reason::server_shutting_down});
}

TEST(websocket, malformed_packets_end_the_session_with_their_close_code) {
    for (const char* packet : {"", "7", "x", "bA"}) {
        eio_world world;
        const auto client = world.open_websocket();
        (void)world.frames(client);
        world.say(client, packet);
        EXPECT_EQ(world.users[0]->closed, reasons{close_reason::parse_error}) << packet;
        EXPECT_EQ(world.frames(client).back().close_code(), 1008);
        EXPECT_EQ(world.errors(errc::bad_packet), 1U);
    }
}

TEST(websocket, a_message_over_the_limit_is_1009) {
    eio_world world({.max_http_buffer_size = 100});
    const auto client = world.open_websocket();
    (void)world.frames(client);
    world.say(client, "4" + std::string(100, 'x'));
    EXPECT_EQ(world.frames(client).back().close_code(), 1009);
    EXPECT_EQ(world.users[0]->closed, reasons{close_reason::transport_error});
}

TEST(websocket, a_ping_in_the_wrong_direction_ends_the_session) {
    eio_world world;
    const auto client = world.open_websocket();
    world.say(client, "2");
    EXPECT_EQ(world.users[0]->closed, reasons{close_reason::transport_error});
}

TEST(websocket, pings_and_gives_up_on_silence) {
    eio_world world;
    const auto client = world.open_websocket();
    (void)world.texts(client);
    world.pass(25s);
    EXPECT_EQ(world.texts(client), texts{"2"});
    world.pass(10s);
    world.say(client, "3");
    world.pass(24s);
    EXPECT_EQ(world.texts(client), texts{});
    world.pass(1s);
    EXPECT_EQ(world.texts(client), texts{"2"});
    world.pass(20s);
    EXPECT_EQ(world.users[0]->closed, reasons{close_reason::ping_timeout});
    EXPECT_EQ(world.errors(errc::ping_timeout), 1U);
}

TEST(websocket, a_long_upload_is_no_silence) {
    eio_world world;
    const auto client = world.open_websocket();
    const std::string frame = ws::test::text_frame("4" + std::string(2000, 'x'));
    world.pass(24s);
    std::size_t sent = 0;
    for (int i = 0; i < 5; ++i, sent += 100) {  // with no whole packet, far beyond both times
        world.send(client, std::string_view(frame).substr(sent, 100));
        world.pass(5s);
    }
    EXPECT_TRUE(world.users[0]->closed.empty());
    world.send(client, std::string_view(frame).substr(sent));
    EXPECT_EQ(world.users[0]->messages.size(), 1U);
}

TEST(websocket, a_long_download_is_no_silence) {
    eio_world world;
    const auto client = world.open_websocket();
    world.io.peer_window(client, 4096);
    const std::string big = "4" + std::string(100'000, 'x');
    for (int i = 0; i < 3; ++i) world.at(0).send(message::text(big));
    world.run();
    std::string got;
    while (got.size() < 3 * big.size()) {
        world.pass(5s);
        ASSERT_TRUE(world.users[0]->closed.empty()) << got.size();
        got += world.io.peer_take(client, 4096);
    }
    world.pass(5s);
    got += world.take(client);
    EXPECT_EQ(ws::test::take_frames(got).back().payload, "2");
    world.say(client, "3");
    world.pass(25s);
    world.pass(19s);
    EXPECT_TRUE(world.users[0]->closed.empty());
    world.pass(2s);
    EXPECT_EQ(world.users[0]->closed, reasons{close_reason::ping_timeout});
}

TEST(websocket, droppable_messages_do_not_wait_for_a_slow_client) {
    eio_world world;
    const auto client = world.open_websocket();
    world.io.peer_window(client, 1);
    const std::string big = "4" + std::string(70'000, 'x');
    EXPECT_EQ(world.at(0).send(message::text(big)), send_status::sent);
    EXPECT_FALSE(world.at(0).writable());
    EXPECT_EQ(world.at(0).send(message::text("4a", {.droppable = true})), send_status::dropped);
    EXPECT_EQ(world.at(0).send(message::text("4b")), send_status::queued);
    world.io.peer_window(client, 1'000'000);
    texts got;
    for (int i = 0; i < 20; ++i) {
        for (std::string& text : world.texts(client)) got.push_back(std::move(text));
        world.run();
    }
    EXPECT_TRUE(world.at(0).writable());
    EXPECT_GT(world.users[0]->drained, 0);
    EXPECT_EQ(got.back(), "4b");
}

TEST(websocket, takes_what_comes_in_one_turn) {
    eio_world world;
    const auto client = world.open_websocket();
    std::string burst;
    for (int i = 0; i < 9'000; ++i) burst += ws::test::text_frame("42[\"a\"]");
    world.send(client, burst);
    EXPECT_EQ(world.users[0]->messages.size(), 9'000U);
    EXPECT_TRUE(world.users[0]->closed.empty());
}

TEST(websocket, a_packet_above_the_queue_is_no_slow_client_when_nothing_waits) {
    eio_world world({.max_queue = 128 * 1024});
    const auto client = world.open_websocket();
    (void)world.frames(client);
    const std::string big = "4" + std::string(700'000, 'x');
    EXPECT_EQ(world.at(0).send(message::text("4a")), send_status::sent);
    EXPECT_EQ(world.at(0).send(message::text(big)), send_status::sent);
    EXPECT_EQ(world.at(0).send(message::text("4y")), send_status::queued);
    std::vector<std::string> got;
    for (int i = 0; i < 8; ++i) {
        world.run();
        for (auto& text : world.texts(client)) got.push_back(std::move(text));
    }
    EXPECT_EQ(got, (texts{"4a", big, "4y"}));
    // Only what waits behind it is limited.
    world.io.peer_window(client, 0);
    EXPECT_EQ(world.at(0).send(message::text(big)), send_status::sent);
    world.run();
    for (int i = 0; i < 2; ++i)
        EXPECT_EQ(world.at(0).send(message::text(big.substr(0, 60'000))), send_status::queued);
    EXPECT_EQ(world.at(0).send(message::text(big.substr(0, 60'000))), send_status::closed);
}

TEST(websocket, a_client_that_does_not_read_is_let_go) {
    eio_world world({.max_queue = 128 * 1024});
    const auto client = world.open_websocket();
    world.io.peer_window(client, 1);
    const std::string big = "4" + std::string(50'000, 'x');
    for (int i = 0; i < 4; ++i) world.at(0).send(message::text(big));
    world.pass(6s);
    EXPECT_EQ(world.users[0]->closed, reasons{close_reason::transport_error});
}

TEST(websocket, a_handler_that_throws_ends_its_session_with_1011) {
    eio_world world;
    world.on_message = [](session&, const message_view&) { throw std::runtime_error("oh"); };
    const auto client = world.open_websocket();
    world.say(client, "4a");
    EXPECT_EQ(world.frames(client).back().close_code(), 1011);
    EXPECT_EQ(world.users[0]->closed, reasons{close_reason::forced_close});
    EXPECT_EQ(world.log, texts{"on_message of route '/socket.io' for 127.0.0.1:20002 threw: oh"});
}

// ---- The upgrade ----

TEST(upgrade, goes_from_polling_to_websocket_and_keeps_the_order) {
    upgrading u;
    EXPECT_EQ(u.world.first.status, 101);
    u.world.at(0).send(message::text("4one"));
    u.world.say(u.socket, "2probe");
    EXPECT_EQ(u.world.texts(u.socket), texts{"3probe"});
    u.world.at(0).send(message::text("4two"));
    EXPECT_EQ(u.world.texts(u.socket), texts{});  // nothing but the probe before the client's 5
    u.world.say(u.socket, "5");
    u.world.at(0).send(message::text("4three"));
    u.world.run();
    EXPECT_EQ(u.world.texts(u.socket), (texts{"4one", "4two", "4three"}));
    EXPECT_EQ(u.world.at(0).transport(), transport_kind::websocket);
    EXPECT_EQ(u.world.users[0]->drained, 1);  // what was dropped while no poll hung would pass now
    u.world.say(u.socket, "4hi");
    EXPECT_EQ(u.world.users[0]->messages, texts{"hi"});
    const reply old = u.world.poll(u.sid);
    EXPECT_EQ(old.status, 400);
    EXPECT_EQ(old.body, R"({"code":3,"message":"Bad request"})");
    EXPECT_EQ(u.world.metric("weft_engineio_upgrades_total"), 1U);
    u.world.send(u.socket, ws::test::close_frame(1000));
    EXPECT_EQ(u.world.users[0]->closed, reasons{close_reason::transport_close});
}

TEST(upgrade, lets_the_hanging_poll_go_at_once_and_later_ones_within_100_ms) {
    upgrading u;
    const auto waiting = u.world.hang(u.sid);
    u.world.say(u.socket, "2probe");
    EXPECT_EQ(u.world.take_one(waiting).body, "6");
    const auto again = u.world.hang(u.sid);
    EXPECT_EQ(u.world.take(again), "");
    u.world.pass(100ms);
    EXPECT_EQ(u.world.take_one(again).body, "6");
    const auto last = u.world.hang(u.sid);  // and one that hangs when the client says 5
    u.world.say(u.socket, "5");
    EXPECT_EQ(u.world.take_one(last).body, "6");
    EXPECT_TRUE(u.world.users[0]->closed.empty());
}

TEST(upgrade, a_probe_that_waits_too_long_is_closed_and_polling_goes_on) {
    upgrading u;
    u.world.say(u.socket, "2probe");
    u.world.pass(9s);
    EXPECT_EQ(u.close_code(), 0);
    u.world.pass(1s);
    EXPECT_EQ(u.close_code(), 1000);
    EXPECT_EQ(u.world.errors(errc::upgrade_timeout), 1U);
    u.world.at(0).send(message::text("4still"));
    EXPECT_EQ(u.world.poll(u.sid).body, "4still");
}

TEST(upgrade, anything_else_first_closes_the_probe_and_polling_goes_on) {
    for (const char* first : {"5", "2", "2probes", "4hello", "3probe", ""}) {
        upgrading u;
        u.world.say(u.socket, first);
        EXPECT_EQ(u.close_code(), 1008) << first;
        EXPECT_TRUE(u.world.users[0]->messages.empty());
        EXPECT_EQ(u.world.submit(u.sid, "4here").body, "ok");
        EXPECT_EQ(u.world.errors(errc::bad_probe), 1U);
        // Another try is free.
        const auto second = u.world.open_websocket(u.query());
        u.world.say(second, "2probe");
        u.world.say(second, "5");
        EXPECT_EQ(u.world.at(0).transport(), transport_kind::websocket);
    }
}

TEST(upgrade, a_second_websocket_is_shown_out) {
    upgrading u;
    for (int when = 0; when < 3; ++when) {
        const auto second = u.world.open_websocket(u.query());
        EXPECT_EQ(u.world.first.status, 101);
        EXPECT_EQ(u.world.frames(second).back().op(), 8);
        if (when == 0) u.world.say(u.socket, "2probe");
        if (when == 1) u.world.say(u.socket, "5");
    }
    EXPECT_EQ(u.world.errors(errc::second_websocket), 3U);
    u.world.say(u.socket, "4fine");
    EXPECT_EQ(u.world.users[0]->messages, texts{"fine"});
}

TEST(upgrade, the_probe_may_die_and_the_session_may_die) {
    upgrading a;
    a.world.say(a.socket, "2probe");
    a.world.io.peer_reset(a.socket);
    a.world.run();
    EXPECT_EQ(a.world.submit(a.sid, "4here").body, "ok");
    EXPECT_TRUE(a.world.users[0]->closed.empty());

    upgrading b;
    b.world.say(b.socket, "2probe");
    b.world.submit(b.sid, "1");
    EXPECT_EQ(b.world.users[0]->closed, reasons{close_reason::transport_close});
    EXPECT_EQ(b.close_code(), 1000);
    b.world.say(b.socket, "5");
    b.world.pass(20s);
    EXPECT_EQ(b.world.users[0]->closed.size(), 1U);
}

TEST(upgrade, a_session_that_closes_meanwhile_closes_on_the_websocket) {
    upgrading u;
    u.world.say(u.socket, "2probe");
    u.world.at(0).send(message::text("4bye"));
    u.world.at(0).close();
    u.world.say(u.socket, "5");
    const auto frames = u.world.frames(u.socket);
    ASSERT_EQ(frames.size(), 3U);
    EXPECT_EQ(frames[1].payload, "4bye");
    EXPECT_EQ(frames[2].op(), 8);
    u.world.send(u.socket, ws::test::close_frame(1000));
    EXPECT_EQ(u.world.users[0]->closed, reasons{close_reason::forced_close});
}

TEST(upgrade, of_a_session_that_closes_is_shown_out) {
    eio_world world;
    const std::string sid = world.open_polling();
    world.at(0).close();
    const auto late = world.open_websocket("EIO=4&transport=websocket&sid=" + sid);
    EXPECT_EQ(world.frames(late).back().op(), 8);
    EXPECT_EQ(world.errors(errc::second_websocket), 1U);
    EXPECT_EQ(world.poll(sid).body, "1");
}

TEST(upgrade, a_swift_client_posts_a_noop_and_waits_for_its_poll) {
    upgrading u;
    const auto waiting = u.world.hang(u.sid);
    u.world.say(u.socket, "2probe");
    EXPECT_EQ(u.world.submit(u.sid, "6").body, "ok");
    EXPECT_EQ(u.world.take_one(waiting).body, "6");
    u.world.say(u.socket, "5");
    EXPECT_EQ(u.world.at(0).transport(), transport_kind::websocket);
}

TEST(upgrade, may_be_turned_off) {
    eio_world world({.allow_upgrades = false});
    const std::string sid = world.open_polling();
    EXPECT_NE(world.first.body.find(R"("upgrades":[])"), std::string::npos);
    const auto socket = world.open_websocket("EIO=4&transport=websocket&sid=" + sid);
    EXPECT_EQ(world.frames(socket).back().op(), 8);
}

// ---- Protocol 3 ----

TEST(protocol_3, polling) {
    eio_world world({.allow_eio3 = true});
    world.open_polling("EIO=3&transport=polling");
    EXPECT_EQ(world.first.body.substr(0, 6), "118:0{");
    const std::string of = "EIO=3&transport=polling&sid=" + world.users[0]->sid;
    EXPECT_EQ(world.at(0).protocol(), 3);
    EXPECT_EQ(world
                  .ask(eio_world::post(of,
                                       "3:4a\xE2\x82\xAC"
                                       "6:b4AQID"))
                  .body,
              "ok");
    EXPECT_EQ(world
                  .ask(eio_world::post(of,
                                       std::string("\x00\x03\xFF"
                                                   "4hi"
                                                   "\x01\x02\xFF\x04\x09",
                                                   11),
                                       "Content-Type: application/octet-stream\r\n"))
                  .body,
              "ok");
    EXPECT_EQ(world.users[0]->messages,
              (texts{"a\xE2\x82\xAC", "bytes:\x01\x02\x03", "hi", "bytes:\x09"}));
    world.at(0).send(message::text("4\xF0\x9F\x98\x80!"));
    world.at(0).send(message::binary(as_bytes("\x01\x02\x03")));
    EXPECT_EQ(world.ask(eio_world::get(of)).body, std::string("\x00\x06\xFF"
                                                              "4\xF0\x9F\x98\x80!"
                                                              "\x01\x04\xFF\x04\x01\x02\x03",
                                                              16));
    world.ask(eio_world::post(of, "6:2probe"));
    EXPECT_EQ(world.ask(eio_world::get(of)).body, "6:3probe");
}

TEST(protocol_3, a_client_without_binary_frames) {
    eio_world world({.allow_eio3 = true});
    const auto client = world.open_websocket("EIO=3&transport=websocket&b64=1");
    (void)world.texts(client);
    world.say(client, "b4AQID");
    EXPECT_EQ(world.users[0]->messages, texts{"bytes:\x01\x02\x03"});
    world.at(0).send(message::binary(as_bytes("\x01\x02\x03")));
    world.run();
    EXPECT_EQ(world.texts(client), texts{"b4AQID"});
}

TEST(protocol_3, websocket_and_its_heartbeat) {
    eio_world world({.allow_eio3 = true});
    const auto client = world.open_websocket("transport=websocket");
    (void)world.texts(client);
    world.send(client, ws::test::binary_frame("\x04xyz"));
    EXPECT_EQ(world.users[0]->messages, texts{"bytes:xyz"});
    world.at(0).send(message::binary(as_bytes("abc")));
    world.pass(40s);
    world.say(client, "2");
    EXPECT_EQ(world.texts(client), (texts{"\x04"
                                          "abc",
                                          "3"}));
    world.pass(44s);
    EXPECT_TRUE(world.users[0]->closed.empty());
    world.pass(1s);
    EXPECT_EQ(world.users[0]->closed, reasons{close_reason::ping_timeout});
    const auto second = world.open_websocket("transport=websocket");
    world.say(second, "3");
    EXPECT_EQ(world.users[1]->closed, reasons{close_reason::transport_error});
    const auto third = world.open_websocket("transport=websocket");
    world.send(third, ws::test::binary_frame("\x02xyz"));
    EXPECT_EQ(world.users[2]->closed, reasons{close_reason::parse_error});
}

}  // namespace
}  // namespace weft::engineio::test
