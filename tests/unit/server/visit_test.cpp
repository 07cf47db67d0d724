// Who is there, over the loops of a whole server: each connection is visited on its own loop.

#include "server_world.hpp"

#include <algorithm>
#include <vector>

#include <weft/net/awaitable.hpp>

namespace weft::test {
namespace {

struct count_of_all {
    std::vector<conn_id> visited;
    std::vector<conn_id> in_topic;
    std::vector<conn_id> single;
    std::size_t subscribers = 0;
    bool each_at_home = true;
    bool came_back = false;
};

class visits : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(loops, visits, testing::Values(1U, 3U));

TEST_P(visits, go_from_loop_to_loop_and_return) {
    server s(with_threads(GetParam()));
    inbox<conn_id> opened;
    ws::endpoint<void>& chat = s.ws("/ws");
    chat.on_open([&](auto& c) {
        if (c.id().slot() % 2 == 0) c.subscribe("even");
        opened.put(c.id());
    });
    const auto port = s.listen(loopback());
    ASSERT_TRUE(port);
    running run(s);
    std::vector<client> clients;
    for (int i = 0; i < 24; ++i) {
        clients.emplace_back(*port);
        ASSERT_TRUE(clients.back().handshake().starts_with("HTTP/1.1 101 "));
    }
    std::vector<conn_id> all = opened.wait_for(clients.size());
    EXPECT_EQ(chat.connection_count(), all.size());

    inbox<count_of_all> told;
    spawn(s.loop(0),
          [](server& whole, ws::endpoint<void>& there, conn_id one,
             inbox<count_of_all>& into) -> task<void> {
              count_of_all found;
              co_await there.visit([&](auto& c) {
                  found.visited.push_back(c.id());
                  found.each_at_home &= whole.loop_of(c.id()).in_loop_thread();
              });
              co_await there.visit("even", [&](auto& c) { found.in_topic.push_back(c.id()); });
              co_await there.visit(one, [&](auto& c) { found.single.push_back(c.id()); });
              co_await there.visit(conn_id(one.loop(), one.slot(), one.generation() + 1),
                                   [&](auto& c) { found.single.push_back(c.id()); });
              found.subscribers = co_await whole.subscriber_count("even");
              found.came_back = whole.loop(0).in_loop_thread();
              into.put(std::move(found));
          }(s, chat, all.back(), told));
    count_of_all found = told.wait_for(1)[0];
    EXPECT_EQ(found.single, std::vector{all.back()});
    std::sort(all.begin(), all.end());
    std::sort(found.visited.begin(), found.visited.end());
    EXPECT_EQ(found.visited, all);
    EXPECT_TRUE(found.each_at_home);
    EXPECT_TRUE(found.came_back);
    const auto even =
        std::count_if(all.begin(), all.end(), [](conn_id id) { return id.slot() % 2 == 0; });
    EXPECT_EQ(found.in_topic.size(), static_cast<std::size_t>(even));
    EXPECT_EQ(found.subscribers, static_cast<std::size_t>(even));
}

}  // namespace
}  // namespace weft::test
