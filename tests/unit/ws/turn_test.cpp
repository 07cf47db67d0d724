// What one connection may make the loop do in a turn before others have theirs.

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "ws_world.hpp"

namespace weft::ws::test {
namespace {

TEST(ws_turns, a_flood_of_messages_is_handled_a_share_per_turn_and_in_order) {
    ws_world world;
    std::vector<int> got;
    world.endpoint.on_message(
        [&](auto&, message_view m) { got.push_back(std::stoi(std::string(m.text()))); });
    const auto client = world.open();
    std::string flood;
    for (int i = 0; i < 20'000; ++i) flood += text_frame(std::to_string(i));
    world.io.peer_send(client, flood);
    const std::size_t share = 32 * 1024 / 256;
    const std::size_t of_line = 2 * 1024 * 1024 / 256;
    world.loop.turn(duration::zero());
    EXPECT_EQ(got.size(), share + of_line);
    world.loop.turn(duration::zero());
    EXPECT_EQ(got.size(), share + 2 * of_line);
    world.run(20);
    ASSERT_EQ(got.size(), 20'000U);
    for (int i = 0; i < 20'000; ++i) ASSERT_EQ(got[static_cast<std::size_t>(i)], i);
}

TEST(ws_turns, who_sends_little_is_heard_in_the_same_turn) {
    ws_world world;
    int heard = 0;
    world.endpoint.on_message([&](auto&, message_view m) { heard += m.text() == "me"; });
    std::string flood;
    for (int i = 0; i < 3000; ++i) flood += text_frame("x");
    std::vector<net::sim_backend::peer> crowd;
    for (int i = 0; i < 40; ++i) crowd.push_back(world.open());
    const auto healthy = world.open();
    for (const auto client : crowd) world.io.peer_send(client, flood);
    for (int turn = 1; turn <= 5; ++turn) {
        world.io.peer_send(healthy, text_frame("me"));
        world.loop.turn(duration::zero());
        EXPECT_EQ(heard, turn);
    }
}

TEST(ws_turns, what_is_published_counts_as_work_of_who_sent_it) {
    ws_world world;
    int handled = 0;
    world.endpoint.on_open([](auto& c) { c.subscribe("all"); });
    world.endpoint.on_message([&](auto& c, message_view m) {
        ++handled;
        c.publish("all", m);
    });
    std::vector<net::sim_backend::peer> members;
    for (int i = 0; i < 64; ++i) members.push_back(world.open());
    std::string flood;
    for (int i = 0; i < 1000; ++i) flood += text_frame("x");
    world.io.peer_send(members.front(), flood);
    world.loop.turn(duration::zero());
    EXPECT_LE(handled, 3 * (1 + 2 * 1024 / 32)) << "each share is enough for two and a bit";
    world.run(100);
    EXPECT_EQ(handled, 1000);
}

TEST(ws_turns, frames_that_are_no_messages_are_work_too) {
    ws_world world;
    int handled = 0;
    world.endpoint.on_message([&](auto&, message_view) { ++handled; });
    const auto client = world.open();
    std::string message = encode({0x01, "a"});
    for (int i = 0; i < 6; ++i) message += encode({0x00, ""});
    message += encode({0x80, "z"});
    std::string flood;
    for (int i = 0; i < 5000; ++i) flood += message;
    world.io.peer_send(client, flood);
    world.loop.turn(duration::zero());
    const int cost = 8 * 64 + 256;
    EXPECT_LE(handled, (32 + 2 * 1024) * 1024 / cost + 2);
    EXPECT_GE(handled, 2 * 1024 * 1024 / cost);
    world.run(20);
    EXPECT_EQ(handled, 5000);
}

TEST(ws_turns, pings_are_work_too) {
    options chosen;
    chosen.max_control_burst = 20'000;
    ws_world world(chosen);
    int heard = 0;
    world.endpoint.on_ping([&](auto&, byte_view) { ++heard; });
    const auto client = world.open();
    std::string flood;
    for (int i = 0; i < 20'000; ++i) flood += encode({0x89, ""});
    world.io.peer_send(client, flood);
    world.loop.turn(duration::zero());
    EXPECT_LE(heard, (32 + 2 * 1024) * 1024 / (256 + 64) + 2);
    for (int i = 0; i < 20; ++i) {
        world.run(1);
        (void)world.io.peer_take(client);
    }
    EXPECT_EQ(heard, 20'000);
}

}  // namespace
}  // namespace weft::ws::test
