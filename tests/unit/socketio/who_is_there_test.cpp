// Describing, counting and visiting the sockets of namespaces and rooms.

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/socketio/sio_world.hpp"

namespace weft::socketio::test {
namespace {

using testing::ElementsAre;
using testing::StartsWith;
using testing::UnorderedElementsAre;

struct player {
    std::string name;
    int score = 0;
};
WEFT_FIELDS(player, name, score)
struct secret {
    int unsaid = 0;
};
struct place {
    double x = 0;
};
WEFT_FIELDS(place, x)

TEST(who_is_there, a_description_of_a_socket_tells_what_it_keeps) {
    sio_world w;
    w.server.on_connect([](socket& s) {
        s.data<player>() = {"Ann", 3};
        s.data<secret>().unsaid = 1;
        s.data<place>().x = 0.5;
    });
    w.start();
    sio_world::peer a{};
    w.connect(a);
    std::vector<remote_socket> all;
    w.server.fetch_sockets([&](fetched_sockets found) { all = std::move(found.sockets); });
    w.run();
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].data, R"({"x":0.5,"name":"Ann","score":3})");
    EXPECT_EQ(from_json<player>(all[0].data)->score, 3);
    EXPECT_THAT(std::string(all[0].handshake.url()), StartsWith("/socket.io/?"));
    EXPECT_EQ(all[0].rooms.front(), all[0].id);
}

TEST(who_is_there, counts_and_visits_the_sockets_of_a_room) {
    sio_world w;
    std::vector<std::size_t> counts;
    std::vector<std::string> visited;
    w.start();
    sio_world::peer a{}, b{}, c{};
    const std::string a_id = w.connect(a);
    const std::string b_id = w.connect(b);
    const std::string c_id = w.connect(c);
    w.server.to({a_id, b_id}).sockets_join("r");
    const auto count = [&](std::size_t n) { counts.push_back(n); };
    w.server.in("r").count_sockets(count);
    w.server.in("r").except(a_id).count_sockets(count);
    w.server.in("nobody").count_sockets(count);
    w.server.local().count_sockets(count);
    w.run();
    EXPECT_THAT(counts, ElementsAre(2, 1, 0, 3));
    w.server.in("r").visit_sockets([&](socket& s) {
        visited.emplace_back(s.id());
        if (s.id() == b_id) throw std::runtime_error("one of them fails");
        s.disconnect();
    });
    w.run();
    EXPECT_THAT(visited, UnorderedElementsAre(a_id, b_id));
    EXPECT_EQ(w.packet(a), "41");
    w.server.in(c_id).visit_sockets([&](socket& s) { s.emit("found"); });
    w.run();
    EXPECT_EQ(w.packet(c), R"(42["found"])");
}

}  // namespace
}  // namespace weft::socketio::test
