// What a peer that met a limit is told, and what the operator.

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "ws_world.hpp"

namespace weft::ws::test {
namespace {

using namespace std::chrono_literals;

bool has(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

/// The reason of the close frame that the client got with this code; empty without one.
template <class World>
std::string close_reason(World& world, typename World::peer client, int code) {
    for (const server_frame& f : world.frames(client))
        if (f.op() == 8 && f.close_code() == code) return f.payload.substr(2);
    return {};
}

TEST(ws_limits, a_refused_origin_is_told_with_its_value_and_the_setting) {
    ws_world world;
    const std::string reply =
        world.ask(world.request("Origin: https://evil.example\r\n", "/ws?token=secret"));
    EXPECT_TRUE(reply.starts_with("HTTP/1.1 403 "));
    EXPECT_TRUE(has(reply, "nor in origins")) << reply;
    ASSERT_EQ(world.log.size(), 1U);
    EXPECT_TRUE(has(world.log[0], "nor in origins: 'https://evil.example', from 127.0.0.1:"))
        << world.log[0];
    EXPECT_TRUE(world.log[0].ends_with(", at /ws")) << world.log[0];
}

TEST(ws_limits, a_message_that_is_too_big_names_its_option) {
    options chosen;
    chosen.max_message = 10;
    ws_world world(chosen);
    const auto client = world.open();
    world.send(client, text_frame("longer than ten"));
    EXPECT_TRUE(has(close_reason(world, client, 1009), "max_message"));
    ASSERT_EQ(world.log.size(), 1U);
    EXPECT_TRUE(has(world.log[0], "max_message")) << world.log[0];
    EXPECT_TRUE(has(world.log[0], ", from 127.0.0.1:")) << world.log[0];
    EXPECT_EQ(world.shared.metrics.errors.read(errc::message_too_big), 1U);
}

TEST(ws_limits, pings_may_come_as_fast_as_the_options_say) {
    options chosen;
    chosen.max_control_burst = 3;
    chosen.control_interval = 1s;
    ws_world world(chosen);
    const std::string ping = encode({0x89, ""});
    const auto client = world.open();
    world.send(client, ping + ping + ping);
    world.pass(1s);
    world.send(client, ping);
    EXPECT_FALSE(world.ended(client));
    EXPECT_TRUE(world.log.empty());
    world.send(client, ping);
    const std::string reason = close_reason(world, client, 1008);
    EXPECT_TRUE(has(reason, "max_control_burst") && has(reason, "control_interval")) << reason;
    ASSERT_EQ(world.log.size(), 1U);
    EXPECT_TRUE(has(world.log[0], "max_control_burst")) << world.log[0];
}

TEST(ws_limits, silence_names_its_option) {
    ws_world world;
    const auto client = world.open();
    for (int i = 0; i < 4; ++i) world.pass(25s);
    EXPECT_TRUE(world.ended(client));
    ASSERT_EQ(world.log.size(), 1U);
    EXPECT_TRUE(has(world.log[0], "idle_timeout")) << world.log[0];
}

TEST(ws_limits, what_a_handler_threw_is_told_once) {
    ws_world world;
    world.endpoint.on_message([](auto&, message_view) { throw std::runtime_error("oh"); });
    const auto client = world.open();
    world.send(client, text_frame("hi"));
    ASSERT_EQ(world.log.size(), 1U);
    EXPECT_TRUE(has(world.log[0], "threw: oh"));
}

}  // namespace
}  // namespace weft::ws::test
