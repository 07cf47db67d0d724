// Pings, pongs and close frames of the user, and what is told while closing.

#include <gtest/gtest.h>

#include "ws_world.hpp"

namespace weft::ws::test {
namespace {

constexpr std::uint8_t ping_byte = 0x89;
constexpr std::uint8_t pong_byte = 0x8A;

std::string text_of(byte_view payload) {
    return std::string(as_text(payload));
}

TEST(ws_ping, is_told_with_its_payload_after_it_was_answered) {
    ws_world world;
    std::string told;
    world.endpoint.on_ping([&](auto& c, byte_view payload) {
        told = text_of(payload);
        c.send("after");
    });
    const auto client = world.open();
    world.send(client, encode({ping_byte, "are you there?"}));
    EXPECT_EQ(told, "are you there?");
    const auto got = world.frames(client);
    ASSERT_EQ(got.size(), 2U);
    EXPECT_EQ(got[0].first, pong_byte);
    EXPECT_EQ(got[0].payload, "are you there?");
    EXPECT_EQ(got[1].payload, "after");
}

TEST(ws_ping, without_auto_pong_only_the_handler_answers) {
    options chosen;
    chosen.auto_pong = false;
    ws_world world(chosen);
    bool answers = false;
    world.endpoint.on_ping([&](auto& c, byte_view payload) {
        if (answers) {
            EXPECT_EQ(c.pong(payload), send_status::sent);
        }
    });
    const auto client = world.open();
    world.send(client, encode({ping_byte, "1"}));
    EXPECT_TRUE(world.frames(client).empty());
    answers = true;
    world.send(client, encode({ping_byte, "2"}));
    const auto got = world.frames(client);
    ASSERT_EQ(got.size(), 1U);
    EXPECT_EQ(got[0].first, pong_byte);
    EXPECT_EQ(got[0].payload, "2");
}

TEST(ws_ping, the_answers_to_many_may_come_at_once) {
    ws_world world;
    int answers = 0;
    world.endpoint
        .on_open([](auto& c) {
            for (int i = 0; i < 100; ++i) EXPECT_EQ(c.ping(), send_status::sent);
        })
        .on_pong([&](auto&, byte_view) { ++answers; });
    const auto client = world.open();
    std::string pongs;
    for (int i = 0; i < 100; ++i) pongs += encode({pong_byte, ""});
    world.send(client, pongs);
    EXPECT_EQ(answers, 100);
    EXPECT_FALSE(world.ended(client));
}

TEST(ws_ping, of_the_user_carries_its_payload_and_refuses_what_is_too_long) {
    ws_world world;
    std::string told;
    world.endpoint
        .on_open([](auto& c) {
            EXPECT_EQ(c.ping(as_bytes("from the server")), send_status::sent);
            const std::string most(125, 'x'), too_long(126, 'x');
            EXPECT_EQ(c.ping(as_bytes(most)), send_status::sent);
            EXPECT_EQ(c.ping(as_bytes(too_long)), send_status::misuse);
            EXPECT_EQ(c.pong(as_bytes(too_long)), send_status::misuse);
            EXPECT_EQ(c.pong(as_bytes("unasked")), send_status::sent);
        })
        .on_pong([&](auto& c, byte_view payload) {
            told = text_of(payload);
            c.close();
            EXPECT_EQ(c.ping(), send_status::closed);
            EXPECT_EQ(c.pong(), send_status::closed);
        });
    const auto client = world.open();
    std::string bytes = world.response.substr(world.response.find("\r\n\r\n") + 4);
    const auto got = take_frames(bytes);
    ASSERT_EQ(got.size(), 3U);
    EXPECT_EQ(got[0].first, ping_byte);
    EXPECT_EQ(got[0].payload, "from the server");
    EXPECT_EQ(got[1].payload.size(), 125U);
    EXPECT_EQ(got[2].first, pong_byte);
    EXPECT_EQ(got[2].payload, "unasked");
    world.send(client, encode({pong_byte, "from the client"}));
    EXPECT_EQ(told, "from the client");
}

TEST(ws_pong, of_the_user_waits_for_a_peer_that_is_behind_and_only_the_latest_does) {
    options chosen;
    chosen.auto_pong = false;
    ws_world world(chosen);
    std::vector<send_status> statuses;
    world.endpoint.on_open([](auto& c) { c.send(std::string(40'000, 'x')); })
        .on_ping([&](auto& c, byte_view payload) { statuses.push_back(c.pong(payload)); });
    const auto client = world.io.connect_client(80);
    world.io.peer_window(client, 1000);
    world.send(client, world.request());
    for (int i = 0; i < 20; ++i)
        world.send(client, encode({ping_byte, "ping " + std::to_string(i)}));
    EXPECT_EQ(statuses, std::vector<send_status>(20, send_status::queued));
    world.io.peer_window(client, SIZE_MAX);
    std::string bytes = world.take_all(client);
    bytes.erase(0, bytes.find("\r\n\r\n") + 4);
    const auto got = take_frames(bytes);
    ASSERT_EQ(got.size(), 2U);
    EXPECT_EQ(got[1].first, pong_byte);
    EXPECT_EQ(got[1].payload, "ping 19");
}

TEST(ws_close, without_a_code_sends_an_empty_frame) {
    ws_world world;
    close_event last;
    world.endpoint
        .on_message([](auto& c, message_view) { c.close(close_code::no_status, "dropped"); })
        .on_close([&](auto&, const close_event& e) { last = e; });
    const auto client = world.open();
    world.send(client, text_frame("bye"));
    const auto got = world.frames(client);
    ASSERT_EQ(got.size(), 1U);
    EXPECT_EQ(got[0].first, 0x88);
    EXPECT_EQ(got[0].payload, "");
    world.send(client, encode({0x88, ""}));
    EXPECT_TRUE(last.clean);
    EXPECT_EQ(last.code, close_code::no_status);
}

/// What is told of a message, a ping and a pong that come after our close frame.
std::string told_while_closing(bool deliver) {
    options chosen;
    chosen.deliver_while_closing = deliver;
    ws_world world(chosen);
    std::string told;
    world.endpoint.on_open([](auto& c) { c.close(); })
        .on_message([&](auto& c, message_view m) {
            told += m.text();
            EXPECT_EQ(c.send("too late"), send_status::closed);
        })
        .on_ping([&](auto&, byte_view payload) { told += text_of(payload); })
        .on_pong([&](auto&, byte_view payload) { told += text_of(payload); })
        .on_close([&](auto&, const close_event& e) { told += e.clean ? " clean" : " not clean"; });
    const auto client = world.open();
    EXPECT_TRUE(world.response.ends_with("\x88\x02\x03\xE8"));
    world.send(client,
               text_frame("message") + encode({ping_byte, " ping"}) + encode({pong_byte, " pong"}));
    world.send(client, close_frame(1000) + text_frame("never"));
    EXPECT_TRUE(world.frames(client).empty()) << "nothing follows a close frame";
    return told;
}

TEST(ws_close, what_comes_before_the_peers_answer_is_told_if_wanted) {
    EXPECT_EQ(told_while_closing(false), " clean");
    EXPECT_EQ(told_while_closing(true), "message ping pong clean");
}

TEST(ws_close, a_handler_that_throws_while_closing_does_not_change_the_end) {
    options chosen;
    chosen.deliver_while_closing = true;
    ws_world world(chosen);
    bool clean = false;
    world.endpoint.on_open([](auto& c) { c.close(); })
        .on_message([](auto&, message_view) { throw 1; })
        .on_close([&](auto&, const close_event& e) { clean = e.clean; });
    const auto client = world.open();
    world.send(client, text_frame("x") + close_frame(1000));
    EXPECT_TRUE(clean);
    EXPECT_EQ(world.shared.metrics.handler_exceptions.read(), 1U);
}

TEST(ws_close, who_keeps_sending_while_we_close_is_dropped_at_close_timeout) {
    options chosen;
    chosen.deliver_while_closing = true;
    ws_world world(chosen);
    std::error_code cause;
    world.endpoint.on_open([](auto& c) { c.close(); }).on_close([&](auto&, const close_event& e) {
        cause = e.cause;
    });
    const auto client = world.open();
    for (int i = 0; i < 12; ++i) {
        world.send(client, text_frame("and another thing"));
        world.pass(500ms);
    }
    EXPECT_EQ(cause, weft::errc::timed_out);
}

}  // namespace
}  // namespace weft::ws::test
