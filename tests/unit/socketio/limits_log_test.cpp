// What a client that met a limit is told, and what the operator.

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "sio_world.hpp"

namespace weft::socketio::test {
namespace {

struct credentials {
    std::string token;
};
WEFT_FIELDS(credentials, token)

bool has(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

std::uint64_t count(sio_world& world, errc what) {
    return world.metric("weft_socketio_errors_total", describe(what).label);
}

TEST(socketio_limits, a_client_that_joins_nothing_is_told_connect_timeout) {
    sio_world world;
    world.start();
    const auto client = world.open();
    world.pass(options{}.connect_timeout + 1ms);
    EXPECT_TRUE(world.ended(client));
    EXPECT_TRUE(has(world.close_reason(client), "connect_timeout")) << world.close_reason(client);
    EXPECT_EQ(count(world, errc::connect_too_slow), 1U);
    ASSERT_EQ(world.lines.size(), 1U);
    EXPECT_TRUE(has(world.lines[0], "connect_timeout, from 127.0.0.1:")) << world.lines[0];
    EXPECT_TRUE(world.lines[0].ends_with(", at /socket.io")) << world.lines[0];
}

TEST(socketio_limits, too_many_namespaces_are_told_in_the_close_frame) {
    options chosen;
    chosen.max_namespaces = 1;
    sio_world world(std::move(chosen));
    world.server.of("/b");
    world.start();
    sio_world::peer client{};
    world.connect(client);
    world.join(client, "/b");
    EXPECT_TRUE(world.ended(client));
    EXPECT_TRUE(has(world.close_reason(client), "max_namespaces"));
    ASSERT_EQ(world.lines.size(), 1U);
    EXPECT_TRUE(has(world.lines[0], "max_namespaces, from "));
}

TEST(socketio_limits, a_room_that_was_not_joined_counts_and_is_told) {
    options chosen;
    chosen.max_rooms = 1;
    sio_world world(std::move(chosen));
    world.server.on_connect([](socket& s) {
        EXPECT_TRUE(s.join("one"));
        EXPECT_FALSE(s.join("two"));
    });
    world.start();
    sio_world::peer client{};
    world.connect(client);
    EXPECT_EQ(count(world, errc::room_refused), 1U);
    ASSERT_EQ(world.lines.size(), 1U);
    EXPECT_TRUE(has(world.lines[0], "max_rooms, max_room_length or memory_limit: 'two', from "))
        << world.lines[0];
}

TEST(socketio_limits, an_acknowledgement_too_many_counts_and_is_told) {
    options chosen;
    chosen.max_pending_acks = 1;
    sio_world world(std::move(chosen));
    world.server.on_connect([](socket& s) {
        for (int i = 0; i < 2; ++i) s.emit_with_ack<int>("ask", [](const result<int>&) {});
    });
    world.start();
    sio_world::peer client{};
    world.connect(client);
    EXPECT_EQ(count(world, errc::too_many_acks), 1U);
    ASSERT_EQ(world.lines.size(), 1U);
    EXPECT_TRUE(has(world.lines[0], "max_pending_acks: 'ask', from ")) << world.lines[0];
}

TEST(socketio_limits, a_login_without_its_field_is_told_in_plain_words) {
    sio_world world;
    world.server.use([](socket& s) -> admission<> {
        if (const auto who = s.auth<credentials>(); !who) return refusal(who.error().what());
        return true;
    });
    world.start();
    const auto client = world.open();
    world.say(client, "40{}");
    EXPECT_EQ(world.packet(client), R"(44{"message":"auth: token: missing"})");
    world.say(client, R"(40{"token":5})");
    EXPECT_EQ(world.packet(client), R"(44{"message":"auth: token: expected a string"})");
    EXPECT_TRUE(world.lines.empty());
    ASSERT_FALSE(world.notes.empty());
    EXPECT_TRUE(has(world.notes[0], "a client was not let in: 'auth: token: missing', from "))
        << world.notes[0];
    world.say(client, R"(40{"token":"t","error":{"code":"x","message":"y"}})");
    EXPECT_TRUE(has(world.packet(client), "sid"));
}

TEST(socketio_limits, an_event_with_wrong_arguments_is_no_secret) {
    sio_world world;
    world.server.on("add", [](socket&, int, int) {});
    world.start();
    sio_world::peer client{};
    world.connect(client);
    world.say(client, R"(42["add",1])");
    ASSERT_EQ(world.lines.size(), 1U);
    EXPECT_TRUE(has(world.lines[0], ": 'add: argument 2: missing', from ")) << world.lines[0];
    EXPECT_EQ(count(world, errc::bad_argument), 1U);
}

}  // namespace
}  // namespace weft::socketio::test
