// Who owns a loop, and the handle to it: before it runs, while it runs, when it has ended.

#include <weft/net/loop.hpp>

#include <memory>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "net/backend/sim/sim_backend.hpp"
#include "net/loop_core.hpp"

namespace weft::net {
namespace {

using namespace std::chrono_literals;

class loop_ref_test : public testing::Test {
protected:
    loop_ref_test() : io(*new sim_backend), core(std::unique_ptr<backend>(&io), {}) {}
    void pass(duration time) {
        io.advance(time);
        core.turn(0s);
    }

    sim_backend& io;
    loop_core core;
    loop_ref ref = core.ref();
};

TEST_F(loop_ref_test, an_idle_loop_is_nobodys) {
    EXPECT_FALSE(ref.in_loop_thread());
    EXPECT_EQ(ref.core(), nullptr);
    bool inside = false;
    ref.post([&] { inside = ref.in_loop_thread() && ref.core() == &core; });
    core.turn(0s);
    EXPECT_TRUE(inside);
    EXPECT_FALSE(ref.in_loop_thread());
}

TEST_F(loop_ref_test, a_started_loop_is_its_threads_until_it_finishes) {
    ASSERT_TRUE(core.start());
    EXPECT_FALSE(core.start());
    EXPECT_TRUE(ref.in_loop_thread());
    std::thread([&] {
        EXPECT_FALSE(ref.in_loop_thread());
        EXPECT_FALSE(core.start());
        EXPECT_FALSE(core.turn(0s));
        core.finish();
    }).join();
    EXPECT_TRUE(ref.in_loop_thread());
    core.finish();
    EXPECT_FALSE(ref.in_loop_thread());
    EXPECT_TRUE(core.start());
}

TEST_F(loop_ref_test, a_loop_that_was_shut_down_has_ended_for_good) {
    core.shut_down();
    EXPECT_TRUE(ref.ended());
    EXPECT_FALSE(ref.in_loop_thread());
    EXPECT_FALSE(core.start());
    EXPECT_FALSE(core.turn(0s));
    const auto token = std::make_shared<int>();
    EXPECT_FALSE(ref.post([token] {}));
    ref.after(1s, [token] {}).cancel();
    ref.every(1s, [token] {});
    EXPECT_EQ(token.use_count(), 1);
}

TEST(loop_ref_alone, a_started_loop_that_dies_is_nobodys) {
    loop_ref ref;
    {
        loop_core core(std::make_unique<sim_backend>(), {});
        ASSERT_TRUE(core.start());
        ref = core.ref();
    }
    EXPECT_TRUE(ref.ended());
    EXPECT_FALSE(ref.in_loop_thread());
    EXPECT_EQ(ref.core(), nullptr);
}

TEST_F(loop_ref_test, of_no_loop_does_nothing) {
    const loop_ref none;
    EXPECT_TRUE(none.ended());
    EXPECT_FALSE(none.in_loop_thread());
    EXPECT_FALSE(none.post([] {}));
    none.after(1s, [] {}).cancel();
    timer_ref().cancel();
}

TEST_F(loop_ref_test, a_turn_says_when_it_wants_the_next) {
    ASSERT_TRUE(core.start());
    EXPECT_EQ(core.turn(0s), time_point::max()) << "there is nothing to wait for";
    ref.after(40ms, [] {});
    EXPECT_EQ(core.turn(0s), core.now() + 40ms);
    ref.post([this] { ref.post([] {}); });
    EXPECT_EQ(core.turn(0s), core.now()) << "at once: a task is left";
    core.stop();
    EXPECT_EQ(core.turn(0s), std::nullopt);
    core.finish();
    ASSERT_TRUE(core.start());
    EXPECT_NE(core.turn(0s), std::nullopt);
}

TEST_F(loop_ref_test, flushing_tells_of_what_was_begun_outside_of_a_turn) {
    ASSERT_TRUE(core.start());
    EXPECT_EQ(core.turn(0s), time_point::max());
    ref.after(7ms, [] {});
    EXPECT_EQ(core.flush(), core.now() + 7ms);
}

TEST_F(loop_ref_test, after_runs_once_and_never_means_never) {
    int ran = 0;
    ref.after(1s, [&] { ++ran; });
    ref.after(duration::max(), [] { FAIL(); });
    core.turn(0s);
    pass(999ms);
    EXPECT_EQ(ran, 0);
    pass(2ms);
    EXPECT_EQ(ran, 1);
    pass(24h * 365);
    EXPECT_EQ(ran, 1);
}

TEST_F(loop_ref_test, a_cancelled_timer_never_runs_and_frees_its_task) {
    const auto token = std::make_shared<int>();
    const auto begin = [&] { return ref.after(1s, [token] { FAIL(); }); };
    begin().cancel();  // both travel to a loop that is idle
    core.turn(0s);
    EXPECT_EQ(token.use_count(), 1);
    const timer_ref armed = begin();
    core.turn(0s);
    EXPECT_EQ(token.use_count(), 2);
    std::thread([&] { armed.cancel(); }).join();
    core.turn(0s);
    EXPECT_EQ(token.use_count(), 1);
    ASSERT_TRUE(core.start());
    begin().cancel();
    EXPECT_EQ(token.use_count(), 1) << "here it is gone at once";
    armed.cancel();
    pass(2s);
}

TEST_F(loop_ref_test, every_runs_until_it_is_cancelled_and_makes_nothing_up) {
    int ran = 0;
    const timer_ref ticks = ref.every(100ms, [&] { ++ran; });
    core.turn(0s);
    for (int i = 1; i <= 3; ++i) {
        pass(100ms);
        EXPECT_EQ(ran, i);
    }
    pass(1050ms);  // the loop is late
    EXPECT_EQ(ran, 4);
    pass(49ms);
    EXPECT_EQ(ran, 4);
    pass(1ms);
    EXPECT_EQ(ran, 5) << "in step with the beginning";
    ticks.cancel();
    core.turn(0s);
    const int before = ran;
    pass(10s);
    EXPECT_EQ(ran, before);
}

TEST_F(loop_ref_test, a_timer_may_cancel_itself_and_others_in_its_task) {
    const auto token = std::make_shared<int>();
    std::vector<timer_ref> all(3);
    int ran = 0;
    for (timer_ref& mine : all) {
        mine = ref.every(1ms, [&, token] {
            ++ran;
            for (const timer_ref& one : all) one.cancel();
            EXPECT_GE(token.use_count(), 2) << "the task that runs is still there";
        });
    }
    core.turn(0s);
    pass(5ms);
    pass(5ms);
    EXPECT_EQ(ran, 1);
    EXPECT_EQ(token.use_count(), 1);
}

TEST_F(loop_ref_test, what_a_task_that_dies_with_its_loop_cancels_is_dying_too) {
    struct canceller {
        explicit canceller(const std::vector<timer_ref>& timers) : all(timers) {}
        const std::vector<timer_ref>& all;
        ~canceller() {
            for (const timer_ref& one : all) one.cancel();
        }
    };
    std::vector<timer_ref> all;
    for (int i = 0; i < 4; ++i)
        all.push_back(ref.after(1h, [c = std::make_shared<canceller>(all)] {}));
    core.turn(0s);
    core.shut_down();
}

TEST_F(loop_ref_test, now_is_the_turns_moment_on_its_thread) {
    ASSERT_TRUE(core.start());
    io.advance(1h);
    core.turn(0s);
    EXPECT_EQ(ref.now(), core.now());
    core.finish();
    const time_point before = steady_clock::now();
    EXPECT_GE(ref.now(), before);
}

}  // namespace
}  // namespace weft::net
