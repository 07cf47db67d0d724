#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "ws/proto/message_buffer.hpp"

namespace weft::ws {
namespace {

constexpr std::size_t kib = 1024;

std::vector<std::byte> pattern(std::size_t size) {
    std::vector<std::byte> bytes(size);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * 31 >> 3U);
    return bytes;
}

struct message_buffer_test : testing::Test {
    byte_budget budget{16 * 1024 * kib};
    block_cache::owner cache = block_cache::make(4096 * kib);
};

TEST_F(message_buffer_test, grows_over_the_cache_with_its_content_and_its_charge) {
    const auto whole = pattern(1024 * kib);
    message_buffer buffer(budget, cache.get());
    for (std::size_t at = 0; at < whole.size(); at += 10'000) {
        const std::size_t part = std::min<std::size_t>(10'000, whole.size() - at);
        ASSERT_TRUE(buffer.append(byte_view(whole).subspan(at, part), whole.size()));
        ASSERT_EQ(budget.used(), buffer.capacity());
        ASSERT_LE(buffer.capacity(), std::max(2 * buffer.size(), kib));
    }
    ASSERT_EQ(buffer.size(), whole.size());
    EXPECT_EQ(std::memcmp(buffer.content().data(), whole.data(), whole.size()), 0);
    buffer.clear();
    EXPECT_EQ(budget.used(), 0U);
}

TEST_F(message_buffer_test, takes_an_idle_block_that_holds_all_of_the_message_at_once) {
    { const buffer_ref idle = cache->take(1024 * kib); }
    const auto first = pattern(100 * kib);
    message_buffer buffer(budget, cache.get());
    ASSERT_TRUE(buffer.append(first, 1024 * kib));
    EXPECT_EQ(buffer.capacity(), 1024 * kib);
    EXPECT_EQ(budget.used(), 1024 * kib);
    EXPECT_EQ(std::memcmp(buffer.content().data(), first.data(), first.size()), 0);
}

TEST_F(message_buffer_test, gives_no_idle_block_for_what_is_only_announced) {
    { const buffer_ref idle = cache->take(1024 * kib); }
    const auto first = pattern(16);
    message_buffer buffer(budget, cache.get());
    ASSERT_TRUE(buffer.append(first, 1024 * kib));
    EXPECT_LE(buffer.capacity(), kib);
}

TEST_F(message_buffer_test, keeps_content_and_charge_when_the_budget_is_out) {
    byte_budget tight{150 * kib};
    const auto first = pattern(70 * kib);
    message_buffer buffer(tight, cache.get());
    ASSERT_TRUE(buffer.append(first, 80 * kib));
    const std::uint64_t charged = tight.used();
    EXPECT_FALSE(buffer.append(pattern(100 * kib)));
    EXPECT_EQ(tight.used(), charged);
    ASSERT_EQ(buffer.size(), first.size());
    EXPECT_EQ(std::memcmp(buffer.content().data(), first.data(), first.size()), 0);
}

TEST_F(message_buffer_test, handed_over_blocks_come_back_to_the_cache) {
    const auto whole = pattern(200 * kib);
    message_buffer buffer(budget, cache.get());
    ASSERT_TRUE(buffer.append(whole, whole.size()));
    {
        const buffer_slice taken = buffer.take();
        EXPECT_EQ(budget.used(), 0U);
        EXPECT_EQ(std::memcmp(taken.bytes.data(), whole.data(), whole.size()), 0);
        EXPECT_FALSE(cache->take_idle(200 * kib));
    }
    EXPECT_TRUE(cache->take_idle(200 * kib));
}

}  // namespace
}  // namespace weft::ws
