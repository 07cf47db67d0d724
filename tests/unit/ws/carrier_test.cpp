// A WebSocket on a stream that is no socket: the same endpoint and core, found by the same ids.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "support/played_stream.hpp"
#include "ws_world.hpp"

namespace weft::ws {
namespace {

using namespace test;
using testing::played_stream;

struct carried_world {
    carried_world() {
        world.endpoint.on_accept([](const auto&) { return 7; })
            .on_open([this](auto& c) { ids.push_back(c.id()); })
            .on_message([](auto& c, message_view m) { c.send(m); })
            .on_close([this](auto&, const close_event& e) { closed.push_back(e); });
    }
    /// A WebSocket on a stream that is no socket.
    void ask(played_stream& stream) { stream.ask(world.service(), world.request()); }
    [[nodiscard]] connection_core* find(std::size_t opened) {
        return world.shared.connections.find(ids.at(opened));
    }
    std::vector<conn_id> ids;
    std::vector<close_event> closed;
    ws_world<int> world;
};

TEST(ws_carrier, a_stream_that_is_no_socket_carries_an_echo) {
    carried_world scene;
    played_stream one(scene.world.loop), other(scene.world.loop);
    scene.ask(one);
    scene.ask(other);
    EXPECT_TRUE(one.switched_with.starts_with("Upgrade: websocket\r\nSec-WebSocket-Accept: "))
        << one.switched_with;
    EXPECT_EQ(one.take(), "") << "who carries the exchange answers it";
    one.receive(text_frame("hello"));
    EXPECT_EQ(one.take(), "\x81\x05hello");
    EXPECT_EQ(other.take(), "");

    ASSERT_EQ(scene.ids.size(), 2U);
    EXPECT_NE(scene.ids[0], scene.ids[1]);
    ASSERT_NE(scene.find(0), nullptr);
    scene.find(0)->send(message_view("by its id"));
    EXPECT_EQ(one.take(),
              "\x81\x09"
              "by its id");
}

TEST(ws_carrier, its_connections_are_found_with_those_of_sockets_and_gone_when_it_ends) {
    carried_world scene;
    const auto client = scene.world.open();
    played_stream stream(scene.world.loop);
    scene.ask(stream);
    int count = 0;
    scene.world.shared.connections.for_each([&](connection_core& s) {
        ++count;
        s.close(close_code::going_away, "");
    });
    EXPECT_EQ(count, 2);
    scene.world.run();
    std::string sent = stream.take();
    EXPECT_EQ(take_frames(sent).at(0).close_code(), 1001);
    EXPECT_EQ(scene.world.frames(client).at(0).close_code(), 1001);
    stream.receive(close_frame(1001));
    EXPECT_TRUE(stream.closed);
    stream.end(make_error_code(weft::errc::closed_locally));
    ASSERT_EQ(scene.closed.size(), 1U);
    EXPECT_TRUE(scene.closed[0].clean);
    EXPECT_EQ(scene.find(1), nullptr);
    EXPECT_NE(scene.find(0), nullptr);
}

TEST(ws_carrier, a_name_that_comes_again_is_another_one) {
    carried_world scene;
    {
        played_stream stream(scene.world.loop);
        scene.ask(stream);
    }
    played_stream next(scene.world.loop);
    scene.ask(next);
    ASSERT_EQ(scene.ids.size(), 2U);
    EXPECT_EQ(scene.ids[0].slot(), scene.ids[1].slot());
    EXPECT_EQ(scene.find(0), nullptr);
    EXPECT_NE(scene.find(1), nullptr);
}

}  // namespace
}  // namespace weft::ws
