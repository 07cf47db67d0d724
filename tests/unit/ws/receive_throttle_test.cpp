#include "ws/receive_throttle.hpp"

#include <chrono>
#include <cstdint>
#include <limits>

#include <gtest/gtest.h>

#include "ws/reading_holds.hpp"

namespace weft::ws {
namespace {

using namespace std::chrono_literals;

constexpr time_point start{1000s};
constexpr receive_rate ten_per_second{.messages_per_second = 10, .bytes_per_second = 1000};

TEST(receive_throttle, lets_a_burst_through_after_silence) {
    receive_throttle throttle(start);
    throttle.spend(ten_per_second, 20, 0, start);
    EXPECT_LE(throttle.due(), start);
    throttle.spend(ten_per_second, 1, 0, start);
    EXPECT_EQ(throttle.due() - start, 100ms);
}

TEST(receive_throttle, counts_messages_and_bytes_apart) {
    receive_throttle throttle(start);
    throttle.spend(ten_per_second, 1, 5000, start);  // 5 s of bytes, of which 2 s are the burst
    EXPECT_EQ(throttle.due() - start, 3s);
    throttle.spend(ten_per_second, 60, 0, start);  // 6.1 s of messages
    EXPECT_EQ(throttle.due() - start, 4100ms);
}

TEST(receive_throttle, pays_its_debt_with_time_and_saves_no_more_than_a_burst) {
    receive_throttle throttle(start);
    throttle.spend(ten_per_second, 50, 0, start);
    EXPECT_EQ(throttle.due() - start, 3s);
    throttle.spend(ten_per_second, 10, 0, start + 4s);  // a second in hand
    EXPECT_EQ(throttle.due(), start + 4s);
    throttle.spend(ten_per_second, 30, 0, start + 1h);
    EXPECT_EQ(throttle.due(), start + 1h + 1s);
}

TEST(receive_throttle, does_not_overflow) {
    constexpr auto most = std::numeric_limits<std::uint64_t>::max();
    receive_throttle slow(start);
    slow.spend({.messages_per_second = 0, .bytes_per_second = 0}, most, most, start);
    EXPECT_EQ(slow.due() - start, 58s);
    receive_throttle fast(start);
    fast.spend({.messages_per_second = 1000, .bytes_per_second = most}, 1, 64 * 1024, start);
    EXPECT_LE(fast.due(), start);
}

TEST(reading_holds, reading_stands_from_the_first_reason_until_the_last) {
    reading_holds holds;
    EXPECT_FALSE(holds.remove(hold::behind));
    EXPECT_TRUE(holds.add(hold::throttled));
    EXPECT_FALSE(holds.add(hold::behind));
    EXPECT_FALSE(holds.add(hold::behind));
    EXPECT_FALSE(holds.remove(hold::throttled));
    EXPECT_FALSE(holds.has(hold::throttled));
    EXPECT_TRUE(holds.has(hold::behind));
    EXPECT_TRUE(holds.remove(hold::behind));
    EXPECT_FALSE(holds.any());
}

}  // namespace
}  // namespace weft::ws
