// The wheel against a sorted list of deadlines, and its promises one by one.

#include "net/timer_wheel.hpp"

#include <deque>
#include <memory>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace weft::net {
namespace {

using namespace std::chrono_literals;

struct probe final : timer_node {
    probe() : timer_node(&fired) {}
    static void fired(timer_node& node) {
        auto& self = static_cast<probe&>(node);
        ++self.count;
        if (self.then) self.then(self);
    }
    int count = 0;
    void (*then)(probe&) = nullptr;
    timer_wheel* wheel = nullptr;
    time_point again{};
};

const time_point start{1h};

TEST(timer_wheel, differs_in_nothing_from_a_sorted_list) {
    for (std::uint32_t seed = 1; seed <= 20; ++seed) {
        std::mt19937_64 random(seed);
        timer_wheel wheel(start);
        std::deque<probe> timers(200);
        std::vector<time_point> expected(timers.size(), time_point::max());  // max: not armed
        time_point now = start;
        for (int step = 0; step < 3000; ++step) {
            const auto i = static_cast<std::size_t>(random() % timers.size());
            switch (random() % 4) {
                case 0:
                case 1: {
                    // From microseconds to weeks, so that every level takes part.
                    const auto reach = std::uint64_t{1} << (random() % 41);
                    const auto when = now + std::chrono::microseconds(random() % reach);
                    wheel.arm(timers[i], when);
                    expected[i] = when;
                    break;
                }
                case 2:
                    timers[i].cancel();
                    expected[i] = time_point::max();
                    break;
                default: {
                    const auto reach = std::uint64_t{1} << (random() % 36);
                    const time_point before = now;
                    now += std::chrono::microseconds(random() % reach);
                    ASSERT_FALSE(wheel.advance(now, 1'000'000));
                    for (std::size_t t = 0; t < timers.size(); ++t) {
                        // Due, with up to a tick for rounding up and one for an arming in the past.
                        const bool must = expected[t] != time_point::max() &&
                                          expected[t] + 2ms <= now && before + 1ms <= now;
                        if (timers[t].count != 0) {
                            ASSERT_EQ(timers[t].count, 1);
                            ASSERT_LE(expected[t], now) << "early, seed " << seed;
                            ASSERT_FALSE(timers[t].armed());
                            timers[t].count = 0;
                            expected[t] = time_point::max();
                        } else {
                            ASSERT_FALSE(must) << "missed, seed " << seed << " step " << step;
                            ASSERT_EQ(timers[t].armed(), expected[t] != time_point::max());
                        }
                    }
                }
            }
        }
    }
}

TEST(timer_wheel, until_next_is_never_late) {
    for (std::uint32_t seed = 1; seed <= 20; ++seed) {
        std::mt19937_64 random(seed);
        timer_wheel wheel(start);
        time_point now = start;
        for (int round = 0; round < 200; ++round) {
            probe timer;
            const auto reach = std::uint64_t{1} << (random() % 32);
            const time_point when = now + 1ms + std::chrono::milliseconds(random() % reach);
            wheel.arm(timer, when);
            int wakes = 0;
            while (timer.count == 0) {
                const duration wait = wheel.until_next(now, 100h * 24);
                ASSERT_LE(now + wait, when + 1ms);
                now += std::max<duration>(wait, 1us);
                wheel.advance(now, 100);
                ASSERT_LT(++wakes, 64 * 7);
            }
            ASSERT_LE(when, now);
        }
    }
}

TEST(timer_wheel, fires_in_the_tick_of_the_deadline_and_not_before) {
    timer_wheel wheel(start);
    probe timer;
    wheel.arm(timer, start + 100ms);
    wheel.advance(start + 100ms - 1us, 10);
    EXPECT_EQ(timer.count, 0);
    wheel.advance(start + 100ms, 10);
    EXPECT_EQ(timer.count, 1);
    wheel.arm(timer, start + 150ms + 1us);  // rounded up
    wheel.advance(start + 150ms + 2us, 10);
    EXPECT_EQ(timer.count, 1);
    wheel.advance(start + 151ms, 10);
    EXPECT_EQ(timer.count, 2);
}

TEST(timer_wheel, moved_later_it_waits_and_moved_earlier_it_hurries) {
    timer_wheel wheel(start);
    probe timer;
    wheel.arm(timer, start + 10ms);
    for (int i = 1; i < 500; ++i) {
        wheel.advance(start + i * 5ms, 10);
        wheel.arm(timer, start + i * 5ms + 10ms);
        ASSERT_EQ(timer.count, 0);
    }
    wheel.arm(timer, start + 24h);
    wheel.arm(timer, start + 2600ms);
    wheel.advance(start + 2600ms, 10);
    EXPECT_EQ(timer.count, 1);
}

TEST(timer_wheel, budget_leaves_the_rest_due) {
    timer_wheel wheel(start);
    std::deque<probe> timers(10);
    for (probe& t : timers) wheel.arm(t, start + 5ms);
    EXPECT_TRUE(wheel.advance(start + 10ms, 4));
    EXPECT_EQ(wheel.until_next(start + 10ms, 1h), duration::zero());
    EXPECT_TRUE(wheel.advance(start + 10ms, 5));
    EXPECT_FALSE(wheel.advance(start + 10ms, 5));
    for (const probe& t : timers) EXPECT_EQ(t.count, 1);
}

TEST(timer_wheel, moved_later_while_waiting_for_a_budget_it_is_not_early) {
    timer_wheel wheel(start);
    probe first, second;
    wheel.arm(first, start + 5ms);
    wheel.arm(second, start + 5ms);
    EXPECT_TRUE(wheel.advance(start + 10ms, 1));
    probe& left = first.count == 0 ? first : second;
    wheel.arm(left, start + 50ms);
    EXPECT_FALSE(wheel.advance(start + 20ms, 10));
    EXPECT_EQ(left.count, 0);
    wheel.advance(start + 50ms, 10);
    EXPECT_EQ(left.count, 1);
}

TEST(timer_wheel, cancelled_while_waiting_for_a_budget_it_is_silent) {
    timer_wheel wheel(start);
    probe first;
    auto second = std::make_unique<probe>();
    wheel.arm(first, start + 5ms);
    wheel.arm(*second, start + 5ms);
    first.then = nullptr;
    EXPECT_TRUE(wheel.advance(start + 10ms, 1));
    first.cancel();
    second.reset();
    EXPECT_FALSE(wheel.advance(start + 10ms, 10));
}

TEST(timer_wheel, keeps_deadlines_years_away) {
    timer_wheel wheel(start);
    probe two_years, ten_years, never;
    wheel.arm(two_years, start + 24h * 365 * 2);
    wheel.arm(ten_years, start + 24h * 365 * 10);
    wheel.arm(never, time_point::max());
    wheel.advance(start + 24h * 365 * 2 - 1ms, 10);
    EXPECT_EQ(two_years.count, 0);
    wheel.advance(start + 24h * 365 * 2, 10);
    EXPECT_EQ(two_years.count, 1);
    wheel.advance(start + 24h * 365 * 10 - 1ms, 10);
    EXPECT_EQ(ten_years.count, 0);
    wheel.advance(start + 24h * 365 * 10, 10);
    EXPECT_EQ(ten_years.count, 1);
    EXPECT_EQ(never.count, 0);
}

TEST(timer_wheel, firing_timer_may_arm_itself_again_without_spinning) {
    timer_wheel wheel(start);
    probe timer;
    timer.wheel = &wheel;
    timer.again = start;  // in the past
    timer.then = [](probe& self) { self.wheel->arm(self, self.again); };
    wheel.arm(timer, start + 1ms);
    wheel.advance(start + 10ms, 1000);
    EXPECT_EQ(timer.count, 10) << "once per tick";
}

TEST(timer_wheel, armed_sooner_a_timer_moves_to_earlier_times_only) {
    timer_wheel wheel(start);
    probe timer;
    wheel.arm_sooner(timer, start + 20ms);
    wheel.arm_sooner(timer, start + 30ms);
    wheel.advance(start + 20ms, 10);
    EXPECT_EQ(timer.count, 1);
    wheel.arm(timer, start + 80ms);
    wheel.arm_sooner(timer, start + 50ms);
    wheel.advance(start + 50ms, 10);
    EXPECT_EQ(timer.count, 2);
}

TEST(timer_wheel, timer_and_wheel_may_die_in_either_order) {
    probe outlives;
    {
        timer_wheel wheel(start);
        wheel.arm(outlives, start + 5ms);
        probe dies_first;
        wheel.arm(dies_first, start + 5ms);
    }
    EXPECT_FALSE(outlives.armed());
    timer_wheel another(start);
    another.arm(outlives, start + 5ms);
    another.advance(start + 5ms, 1);
    EXPECT_EQ(outlives.count, 1);
}

}  // namespace
}  // namespace weft::net
