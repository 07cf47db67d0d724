// What a turn of the loop sends is bounded, and short queues go first. Of those that are new it
// reads from a few, and from all that are open. What takes longer than units of work foresee is cut
// off by the clock.

#include <functional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/sim_world.hpp"

namespace weft::test {
namespace {

TEST(loop_turns, long_queues_wait_when_a_turn_has_sent_enough) {
    constexpr std::size_t most = 256 * 1024;
    constexpr std::size_t size = 100 * 1024;
    loop_options options;
    options.budgets.turn_bytes = most;
    sim_world w(options);
    std::vector<sim_world::connection> crowd;
    for (int i = 0; i < 10; ++i) crowd.push_back(w.open());
    auto small = w.open();
    w.run();
    for (auto& c : crowd) c.record->write(std::string(size, 'x'));
    small.record->write("short");
    std::vector<std::size_t> got(crowd.size());
    std::size_t all = 0;
    const auto take = [&] {
        std::size_t fresh = 0;
        for (std::size_t i = 0; i < crowd.size(); ++i) {
            const std::size_t came = w.io.peer_take(crowd[i].peer).size();
            got[i] += came;
            fresh += came;
        }
        all += fresh;
        return fresh;
    };
    EXPECT_LE(take(), most + size);
    w.run();
    EXPECT_EQ(w.io.peer_take(small.peer), "short");
    EXPECT_LE(take(), most + size);
    w.run();
    EXPECT_LE(take(), most + size);
    for (int i = 0; i < 10; ++i) {
        w.run();
        (void)take();
    }
    EXPECT_EQ(all, crowd.size() * size);
    for (const std::size_t one : got) EXPECT_EQ(one, size);
}

TEST(loop_turns, who_ends_while_its_queue_waits_is_forgotten) {
    loop_options options;
    options.budgets.turn_bytes = 64 * 1024;
    sim_world w(options);
    std::vector<sim_world::connection> crowd;
    for (int i = 0; i < 6; ++i) crowd.push_back(w.open());
    w.run();
    for (auto& c : crowd) c.record->write(std::string(100 * 1024, 'x'));
    w.run();
    for (std::size_t i = 0; i < crowd.size(); i += 2) w.io.peer_reset(crowd[i].peer);
    w.run(20);
    for (std::size_t i = 0; i < crowd.size(); ++i) {
        EXPECT_EQ(crowd[i].record->closed, i % 2 == 0 ? 1 : 0);
        if (i % 2 != 0) {
            EXPECT_EQ(w.io.peer_take(crowd[i].peer).size(), 100U * 1024);
        }
    }
}

TEST(loop_turns, a_few_newcomers_are_read_from_beside_those_that_are_open) {
    constexpr std::size_t count = 100;
    constexpr unsigned few = 4;
    loop_options options;
    options.budgets.accepts = count;
    options.budgets.newcomers = few;
    sim_world w(options);
    auto open = w.open();
    w.io.peer_send(open.peer, "hello");
    w.run();
    std::vector<net::sim_backend::peer> peers;
    while (peers.size() < count) peers.push_back(w.io.connect_client(80));
    w.run();  // accepts all of them
    for (const auto peer : peers) w.io.peer_send(peer, "first");
    const auto came = [&] {
        std::size_t read = 0;
        for (const auto& one : w.acceptor.accepted) read += one->received == "first" ? 1 : 0;
        return read;
    };
    std::size_t before = 0;
    for (std::size_t turns = 1; before < count; ++turns) {
        ASSERT_LE(turns, count / few) << "a turn read from none";
        w.io.peer_send(open.peer, ".");
        w.run();
        EXPECT_EQ(open.record->received, "hello" + std::string(turns, '.'));
        const std::size_t now = came();
        EXPECT_LE(now - before, 2 * few) << "those that have come, and as many that waited";
        before = now;
    }
    for (const auto peer : peers) w.io.peer_send(peer, ".");
    w.run();
    EXPECT_EQ(came(), 0U) << "they are no newcomers any more";
}

TEST(loop_turns, who_waits_to_be_accepted_waits_while_many_newcomers_do) {
    loop_options options;
    options.budgets.accepts = 100;
    options.budgets.newcomers = 4;
    sim_world w(options);
    for (int i = 0; i < 20; ++i) w.io.peer_send(w.io.connect_client(80), "first");
    w.run(2);  // accepts them, and reads from some
    ASSERT_EQ(w.acceptor.accepted.size(), 20U);
    for (int i = 0; i < 20; ++i) w.io.peer_send(w.io.connect_client(80), "first");
    w.run();
    EXPECT_EQ(w.acceptor.accepted.size(), 21U) << "one, so that nobody waits for ever";
    w.run(20);
    EXPECT_EQ(w.acceptor.accepted.size(), 40U);
}

TEST(loop_turns, what_posted_tasks_post_waits_for_the_next_turn_however_many_there_are) {
    constexpr int many = 64;
    sim_world w;
    int done = 0;
    std::function<void()> again = [&] {
        ++done;
        w.core.post(again);
    };
    for (int i = 0; i < many; ++i) w.core.post(again);
    for (int turn = 1; turn <= 3; ++turn) {
        w.run();
        EXPECT_EQ(done, turn * many);
    }
}

/// Each takes a millisecond, and the loop would allow for many more units of work.
class slow_steps : public ::testing::Test {
protected:
    void step() {
        ++done;
        w.io.advance(1ms);
        w.core.spend_work(128 * 1024);
    }
    static constexpr int count = 10;
    sim_world w;
    int done = 0;
};

TEST_F(slow_steps, of_connections_with_new_data_wait_for_the_next_turn_when_time_is_up) {
    std::vector<sim_world::connection> crowd;
    for (int i = 0; i < count; ++i) crowd.push_back(w.open());
    std::vector<int> order;
    for (int i = 0; i < count; ++i) {
        w.io.peer_send(crowd[static_cast<std::size_t>(i)].peer, ".");
        w.run();
        crowd[static_cast<std::size_t>(i)].record->on_data = [this, i, &order](record&) {
            order.push_back(i);
            step();
        };
    }
    for (const auto& c : crowd) w.io.peer_send(c.peer, "x");
    for (int turn = 1; turn <= count; ++turn) {
        w.run();
        EXPECT_EQ(done, turn);
    }
    for (int i = 0; i < count; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

TEST_F(slow_steps, of_the_line_wait_for_the_next_turn_when_time_is_up) {
    for (int i = 0; i < count; ++i) w.core.await_turn([this] { step(); });
    for (int turn = 1; turn <= count; ++turn) {
        w.run();
        EXPECT_EQ(done, turn);
    }
}

TEST_F(slow_steps, of_timers_and_posted_tasks_wait_for_the_next_turn_when_time_is_up) {
    constexpr int many = 100;
    for (int i = 0; i < many; ++i) w.core.after(1ms, [this] { step(); });
    w.pass(1ms);
    EXPECT_EQ(done, 2) << "the clock runs from the first one on";
    w.run(many);
    EXPECT_EQ(done, many);
    for (int i = 0; i < many; ++i) w.core.post([this] { step(); });
    w.run();
    EXPECT_EQ(done, many + 1);
    w.run(many);
    EXPECT_EQ(done, 2 * many);
}

TEST_F(slow_steps, of_ends_wait_for_the_next_turn_when_time_is_up) {
    std::vector<sim_world::connection> crowd;
    for (int i = 0; i < count; ++i) {
        crowd.push_back(w.open());
        crowd.back().record->on_closed = [this](record&) { step(); };
    }
    for (const auto& c : crowd) w.io.peer_reset(c.peer);
    w.run();
    EXPECT_GE(done, 1);
    EXPECT_LE(done, 5) << "the clock is looked at after some of them only";
    w.run(count);
    EXPECT_EQ(done, count);
    EXPECT_EQ(w.core.connections(), 0U);
}

}  // namespace
}  // namespace weft::test
