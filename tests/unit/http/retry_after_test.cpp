#include "http/retry_after.hpp"

#include <gtest/gtest.h>

namespace weft::http {
namespace {

using namespace std::chrono_literals;

TEST(retry_after, is_a_number_of_seconds) {
    EXPECT_EQ(read_retry_after("0"), 0s);
    EXPECT_EQ(read_retry_after("120"), 2min);
    for (const auto* other : {"", "-1", "+1", "1.5", "5s", "Fri, 31 Dec 1999 23:59:59 GMT"})
        EXPECT_EQ(read_retry_after(other), 0s) << other;
}

TEST(retry_after, is_at_most_five_minutes) {
    EXPECT_EQ(read_retry_after("300"), 5min);
    EXPECT_EQ(read_retry_after("301"), 5min);
    EXPECT_EQ(read_retry_after("99999999999999999999999999"), 5min);
}

}  // namespace
}  // namespace weft::http
