// Messages too large for one read: they grow in one buffer, which is what is sent on and what the
// handler sees, whatever it does with it.

#include <gtest/gtest.h>

#include "ws_world.hpp"

namespace weft::ws::test {
namespace {

constexpr std::size_t mebi = 1024 * 1024;

std::string pattern(std::size_t size) {
    std::string out(size, '\0');
    std::uint32_t state = 99;
    for (char& c : out) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
    return out;
}

/// All that the client gets until nothing comes any more, one read at a time.
std::string take_all(ws_world<>& world, net::sim_backend::peer client) {
    std::string bytes;
    for (int idle = 0; idle < 3;) {
        world.run(2);
        const std::string more = world.io.peer_take(client);
        idle = more.empty() ? idle + 1 : 0;
        bytes += more;
    }
    return bytes;
}

TEST(ws_large, is_echoed_whole_however_it_is_split) {
    const std::string payload = pattern(mebi);
    for (const std::size_t split : {std::size_t{1009}, std::size_t{65536}, std::size_t{99991},
                                    std::size_t{262144}, std::size_t{SIZE_MAX}}) {
        for (const std::size_t send : {std::size_t{50021}, SIZE_MAX}) {
            SCOPED_TRACE(std::to_string(split) + " in, " + std::to_string(send) + " out");
            ws_world world;
            world.endpoint.on_message([](auto& c, message_view m) { c.send(m); });
            const auto client = world.open();
            world.io.limit_receive(split);
            world.io.limit_send(send);
            std::string bytes;
            for (int i = 0; i < 2; ++i) {
                world.io.peer_send(client, binary_frame(payload));
                for (int turns = 0; turns < 1200; ++turns) {
                    world.run(1);
                    bytes += world.io.peer_take(client);
                }
            }
            bytes += take_all(world, client);
            const auto got = take_frames(bytes);
            ASSERT_EQ(got.size(), 2U);
            EXPECT_EQ(got[0].first, 0x82);
            EXPECT_TRUE(got[0].payload == payload);
            EXPECT_TRUE(got[1].payload == payload);
            EXPECT_EQ(world.shared.budget.used(), 0U);
        }
    }
}

/// What waits for the first connection of the world.
std::size_t queued(ws_world<>& world) {
    std::size_t sum = 0;
    world.loop.for_each_stream([&](net::byte_stream& s) { sum += s.queued(); });
    return sum;
}

TEST(ws_large, is_sent_on_by_reference) {
    options chosen;
    chosen.max_queue = 64 * mebi;
    ws_world world(chosen);
    byte_view seen;
    int copies = 0;
    std::string after;
    world.endpoint.on_message([&](auto& c, message_view m) {
        seen = m.bytes();
        for (int i = 0; i < copies; ++i) EXPECT_EQ(c.send(m), send_status::sent);
        // A part of it, and the view itself: still there after the send.
        c.send(m.bytes().subspan(1000, 100'000));
        after = std::string(m.text());
    });
    const std::string payload = pattern(mebi);
    const auto client = world.open();
    world.io.limit_receive(100'000);
    world.io.peer_window(client, 1000);
    copies = 1;
    world.send(client, binary_frame(payload));
    world.run(20);
    EXPECT_TRUE(after == payload);
    EXPECT_GT(queued(world), mebi - 2000);
    // The queue holds the very bytes that the handler saw: they are still readable here, and the
    // client gets them from there.
    ASSERT_EQ(seen.size(), mebi);
    EXPECT_TRUE(as_text(seen) == payload);
    const_cast<std::byte&>(seen[500'000]) = static_cast<std::byte>(~payload[500'000]);
    world.io.peer_window(client, SIZE_MAX);
    std::string bytes = take_all(world, client);
    const auto got = take_frames(bytes);
    ASSERT_EQ(got.size(), 2U);
    EXPECT_EQ(got[0].payload.size(), mebi);
    EXPECT_EQ(got[0].payload[500'000], static_cast<char>(~payload[500'000]));
    EXPECT_TRUE(got[1].payload == payload.substr(1000, 100'000));
}

TEST(ws_large, may_be_sent_published_and_kept_in_one_call) {
    ws_world world;
    message kept;
    world.endpoint.on_open([](auto& c) { c.subscribe("all"); })
        .on_message([&](auto& c, message_view m) {
            c.publish("all", m);
            c.send(m);
            kept = message(m);
            c.send(m);
        });
    const auto writer = world.open();
    const auto reader = world.open();
    const std::string payload = pattern(mebi);
    world.io.limit_receive(70'001);
    world.io.peer_send(writer, binary_frame(payload));
    std::string to_writer;
    std::string to_reader;
    for (int i = 0; i < 200; ++i) {
        world.run(1);
        to_writer += world.io.peer_take(writer);
        to_reader += world.io.peer_take(reader);
    }
    const auto sent = take_frames(to_writer);
    ASSERT_EQ(sent.size(), 2U);
    EXPECT_TRUE(sent[0].payload == payload);
    EXPECT_TRUE(sent[1].payload == payload);
    const auto published = take_frames(to_reader);
    ASSERT_EQ(published.size(), 1U);
    EXPECT_TRUE(published[0].payload == payload);
    EXPECT_TRUE(as_text(kept.bytes()) == payload);
}

TEST(ws_large, of_fragments_with_controls_between_them) {
    ws_world world;
    world.endpoint.on_message([](auto& c, message_view m) { c.send(m); });
    const auto client = world.open();
    world.io.limit_receive(30'011);
    const std::string payload = pattern(900'000);
    std::string wire;
    for (std::size_t i = 0; i < 9; ++i) {
        wire += encode({static_cast<std::uint8_t>((i == 8 ? 0x80 : 0) | (i == 0 ? 2 : 0)),
                        payload.substr(i * 100'000, 100'000)});
        if (i < 8) wire += encode({0x89, std::to_string(i)});
    }
    world.io.peer_send(client, wire);
    world.run(100);
    std::string bytes = take_all(world, client);
    const auto got = take_frames(bytes);
    ASSERT_FALSE(got.empty());
    EXPECT_TRUE(got.back().payload == payload);
    for (std::size_t i = 0; i + 1 < got.size(); ++i) EXPECT_EQ(got[i].op(), 10);
    EXPECT_EQ(got.size(), 9U);
}

}  // namespace
}  // namespace weft::ws::test
