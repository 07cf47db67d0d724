#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <set>
#include <vector>

#include <weft/base/base64.hpp>

#include "base/digest.hpp"
#include "base/random.hpp"

namespace weft {
namespace {

TEST(sha1_digest, joins_its_parts_and_can_be_used_again) {
    auto sha1 = sha1_digest::make();
    ASSERT_TRUE(sha1);
    const std::array<byte_view, 2> split{as_bytes("a"), as_bytes("bc")};
    const std::array<byte_view, 1> whole{as_bytes("abc")};
    for (int round = 0; round < 3; ++round) {
        const auto one = (*sha1)(split);
        ASSERT_TRUE(one);
        EXPECT_EQ(base64_encode(*one), "qZk+NkcGgWq6PiVxeFDCbJzQ2J0=");
        const auto two = (*sha1)(whole);
        ASSERT_TRUE(two);
        EXPECT_EQ(*one, *two);
    }
}

TEST(random_pool, sec_w12_keys_look_random) {
    random_pool random;
    constexpr int draws = 200'000;
    std::set<std::uint32_t> distinct;
    std::array<int, 32> ones{};
    std::array<int, 256> low_bytes{};
    std::uint32_t before = 0;
    std::int64_t changed_bits = 0;
    for (int i = 0; i < draws; ++i) {
        const auto key = random.next_u32();
        ASSERT_TRUE(key);
        distinct.insert(*key);
        for (unsigned bit = 0; bit < 32; ++bit) ones[bit] += static_cast<int>(*key >> bit & 1);
        ++low_bytes[*key & 0xFF];
        changed_bits += std::popcount(*key ^ before);
        before = *key;
    }
    // Five standard deviations and more around what chance gives; repeats: about 5 expected.
    EXPECT_GT(distinct.size(), draws - 40U);
    for (const int count : ones) EXPECT_NEAR(count, draws / 2, 5 * std::sqrt(draws) / 2);
    double chi_square = 0;
    for (const int count : low_bytes) {
        const double expected = draws / 256.0;
        chi_square += (count - expected) * (count - expected) / expected;
    }
    EXPECT_LT(chi_square, 255 + 6 * std::sqrt(2 * 255.0));
    EXPECT_NEAR(static_cast<double>(changed_bits) / draws, 16, 0.1);
}

TEST(random_pool, gives_no_byte_twice_across_refills) {
    random_pool random;
    std::vector<std::byte> first(6000);
    std::vector<std::byte> second(6000);
    ASSERT_TRUE(random.fill(first));
    ASSERT_TRUE(random.fill(second));
    std::size_t equal = 0;
    for (std::size_t i = 0; i < first.size(); ++i) equal += first[i] == second[i] ? 1 : 0;
    EXPECT_LT(equal, 100U);  // by chance: 23
}

}  // namespace
}  // namespace weft
