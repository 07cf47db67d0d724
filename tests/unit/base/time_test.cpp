#include <weft/base/time.hpp>

#include <gtest/gtest.h>

namespace weft {
namespace {

using namespace std::chrono_literals;

TEST(later, adds_what_the_clock_can_hold) {
    const time_point now{1h};
    EXPECT_EQ(later(now, 5s), now + 5s);
    EXPECT_EQ(later(now, duration::zero()), now);
}

TEST(later, never_stays_never) {
    const time_point now{1h};
    EXPECT_EQ(later(now, duration::max()), time_point::max());
    EXPECT_EQ(later(now, duration::max() - 59min), time_point::max());
    EXPECT_EQ(later(time_point::max(), 1ns), time_point::max());
    EXPECT_EQ(later(time_point::max(), duration::max()), time_point::max());
}

TEST(later, a_wait_below_zero_is_over_at_once) {
    const time_point now{1h};
    EXPECT_EQ(later(now, -1s), now);
    EXPECT_EQ(later(now, duration::min()), now);
}

TEST(later, reaches_the_end_of_the_clock_exactly) {
    const time_point now{1h};
    EXPECT_EQ(later(now, duration::max() - 1h), time_point::max());
    EXPECT_EQ(later(now, duration::max() - 1h - 1ns), time_point::max() - 1ns);
}

TEST(longer, sums_up_to_never) {
    EXPECT_EQ(longer(25s, 20s), 45s);
    EXPECT_EQ(longer(duration::max(), 20s), duration::max());
    EXPECT_EQ(longer(25s, duration::max()), duration::max());
    EXPECT_EQ(longer(duration::max(), duration::max()), duration::max());
}

}  // namespace
}  // namespace weft
