// Requests that come faster than they can be served wait their turn, and keep nobody else waiting.

#include <gtest/gtest.h>

#include "http_world.hpp"

namespace weft::http::testing {
namespace {

std::string number_of(const request& asked) {
    return std::string(asked.path().substr(1));
}

class pipeline : public ::testing::Test {
protected:
    pipeline() {
        (void)world.routes.get("/:n", [this](const request& asked) {
            ++served;
            return response::text(200, number_of(asked));
        });
    }
    static std::string requests(int from, int to) {
        std::string all;
        for (int i = from; i < to; ++i)
            all += "GET /" + std::to_string(i) + " HTTP/1.1\r\nHost: here\r\n\r\n";
        return all;
    }
    /// The bodies of the replies.
    static std::vector<int> numbers(std::string_view replies) {
        std::vector<int> all;
        for (std::size_t at = 0; (at = replies.find("\r\n\r\n", at)) != std::string_view::npos;) {
            at += 4;
            all.push_back(std::stoi(std::string(replies.substr(at, 8))));
        }
        return all;
    }
    /// A client that is no newcomer: it has asked before.
    http_world::peer open() {
        const auto client = world.open();
        world.send(client, requests(0, 1));
        (void)world.take(client);
        served = 0;
        return client;
    }
    /// Of one turn: per connection, and of all those who wait.
    static constexpr int share = 32 / 4;
    static constexpr int of_line = 2 * 1024 / 4;

    int served = 0;
    http_world world;
};

TEST_F(pipeline, is_served_a_share_per_turn_and_in_order) {
    const auto client = world.open();
    world.io.peer_send(client, requests(0, 2000));
    world.run(1);
    EXPECT_EQ(served, share + of_line);
    world.run(1);
    EXPECT_EQ(served, share + 2 * of_line);
    world.run(20);
    const std::vector<int> got = numbers(world.take(client));
    ASSERT_EQ(got.size(), 2000U);
    for (int i = 0; i < 2000; ++i) EXPECT_EQ(got[static_cast<std::size_t>(i)], i);
}

TEST_F(pipeline, what_comes_while_it_waits_is_served_behind_it) {
    const auto client = world.open();
    world.io.peer_send(client, requests(0, 1000));
    world.run(1);
    world.io.peer_send(client, requests(1000, 1020));
    world.run(20);
    EXPECT_EQ(numbers(world.take(client)).size(), 1020U);
    world.send(client, requests(1020, 1021));
    EXPECT_EQ(numbers(world.take(client)), std::vector<int>{1020});
}

TEST_F(pipeline, those_who_wait_take_their_turns_in_order_and_within_the_budget_of_all) {
    std::vector<http_world::peer> clients;
    for (int i = 0; i < 100; ++i) clients.push_back(open());
    for (const auto client : clients) world.io.peer_send(client, requests(0, 50));
    world.run(1);
    const int at_once = 100 * share;
    EXPECT_EQ(served, at_once + of_line);
    world.run(1);
    EXPECT_EQ(served, at_once + 2 * of_line);
    std::size_t least = 50;
    std::size_t most = 0;
    for (const auto client : clients) {
        const std::size_t got = numbers(world.take(client)).size();
        least = std::min(least, got);
        most = std::max(most, got);
    }
    EXPECT_LE(most - least, 8U);
    world.run(20);
    EXPECT_EQ(served, 5000);
}

TEST_F(pipeline, who_asks_little_is_served_at_once) {
    std::vector<http_world::peer> clients;
    for (int i = 0; i < 50; ++i) clients.push_back(open());
    const auto healthy = open();
    for (const auto client : clients) world.io.peer_send(client, requests(0, 500));
    for (int i = 0; i < 5; ++i) {
        world.io.peer_send(healthy, requests(i, i + 1));
        world.run(1);
        EXPECT_EQ(numbers(world.take(healthy)), std::vector<int>{i});
    }
}

TEST_F(pipeline, the_end_of_a_client_that_waits_is_seen_behind_its_requests) {
    const auto client = world.open();
    world.io.peer_send(client, requests(0, 1000));
    world.io.peer_end(client);
    world.run(30);
    EXPECT_EQ(numbers(world.take(client)).size(), 1000U);
    EXPECT_TRUE(world.ended(client));
}

}  // namespace
}  // namespace weft::http::testing
