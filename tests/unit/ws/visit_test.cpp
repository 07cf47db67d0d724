// Who is there: the connections of an endpoint and of a topic, counted and visited.

#include <gtest/gtest.h>

#include <algorithm>

#include <weft/net/awaitable.hpp>

#include "ws_world.hpp"

namespace weft::ws::test {
namespace {

struct crowd {
    crowd() {
        world.endpoint.on_accept([this](const http::handshake&) { return ++made; })
            .on_open([](auto& c) {
                if (c.data() % 2 == 1) c.subscribe("odd");
            })
            .on_message([](auto& c, message_view) { c.close(); });
        other.set_loops({&world.shared});
        for (int i = 0; i < 4; ++i) clients.push_back(world.open());
    }
    template <class... Topic>
    std::vector<int> visited(Topic... topic) {
        std::vector<int> seen;
        bool over = false;
        const auto all = [](ws::endpoint<int>& there, std::vector<int>& into, bool& done,
                            Topic... topics) -> task<void> {
            co_await there.visit(topics...,
                                 [&into](connection<int>& c) { into.push_back(c.data()); });
            done = true;
        };
        spawn(world.loop.ref(), all(world.endpoint, seen, over, topic...));
        world.run();
        EXPECT_TRUE(over);
        std::sort(seen.begin(), seen.end());
        return seen;
    }

    int made = 0;
    ws_world<int> world;
    ws::endpoint<int> other{options{}};
    std::vector<net::sim_backend::peer> clients;
};

using numbers = std::vector<int>;

TEST(ws_visit, sees_the_open_connections_of_its_endpoint) {
    crowd scene;
    EXPECT_EQ(scene.visited(), (numbers{1, 2, 3, 4}));
    EXPECT_EQ(scene.world.endpoint.connection_count(), 4U);
    EXPECT_EQ(scene.other.connection_count(), 0U);
    scene.world.send(scene.clients[1], text_frame("close"));
    EXPECT_EQ(scene.visited(), (numbers{1, 3, 4})) << "who is closing is not visited";
    EXPECT_EQ(scene.world.endpoint.connection_count(), 4U) << "and has not ended";
    scene.world.send(scene.clients[1], close_frame(1000));
    EXPECT_EQ(scene.world.endpoint.connection_count(), 3U);
}

TEST(ws_visit, sees_those_of_a_topic) {
    crowd scene;
    EXPECT_EQ(scene.visited(std::string("odd")), (numbers{1, 3}));
    EXPECT_EQ(scene.visited(std::string("nobody's")), numbers{});
    scene.world.send(scene.clients[0], close_frame(1000));
    EXPECT_EQ(scene.visited(std::string("odd")), numbers{3});
}

TEST(ws_visit, the_visitor_may_do_anything) {
    for (const std::string what : {"send", "close", "terminate others", "leave", "throw"}) {
        SCOPED_TRACE(what);
        crowd scene;
        int calls = 0;
        spawn(scene.world.loop.ref(), [](crowd& in, const std::string& act, int& n) -> task<void> {
            co_await in.world.endpoint.visit("odd", [&](connection<int>& c) {
                ++n;
                if (act == "send") c.send("visited");
                if (act == "close") c.close();
                if (act == "leave") c.unsubscribe("odd");
                if (act == "throw") throw 1;
                if (act == "terminate others") {
                    in.world.shared.connections.for_each([&](connection_core& each) {
                        if (each.id() != c.id()) each.terminate();
                    });
                }
            });
        }(scene, what, calls));
        scene.world.run();
        EXPECT_EQ(calls, what == "terminate others" ? 1 : 2);
        EXPECT_EQ(scene.world.shared.metrics.handler_exceptions.read(), what == "throw" ? 2U : 0U);
        for (const std::size_t odd : {0U, 2U}) {
            const auto got = scene.world.frames(scene.clients[odd]);
            if (what == "send") {
                EXPECT_EQ(got.at(0).payload, "visited");
            }
            if (what == "throw") {
                EXPECT_EQ(got.at(0).close_code(), 1011);
            }
        }
        EXPECT_FALSE(what == "close" && scene.world.ended(scene.clients[1]));
    }
}

}  // namespace
}  // namespace weft::ws::test
