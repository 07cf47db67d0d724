#include <gtest/gtest.h>

#include <cstring>
#include <thread>
#include <vector>

#include "base/block_cache.hpp"

namespace weft {
namespace {

constexpr std::size_t kib = 1024;

TEST(block_cache, hands_a_block_out_again) {
    const auto cache = block_cache::make(1024 * kib);
    const void* first = nullptr;
    {
        const buffer_ref block = cache->take(256 * kib);
        ASSERT_TRUE(block);
        EXPECT_EQ(block->capacity(), 256 * kib);
        first = block.get();
    }
    const buffer_ref again = cache->take(256 * kib);
    EXPECT_EQ(again.get(), first);
    EXPECT_TRUE(again->unique());
    EXPECT_FALSE(cache->take_idle(256 * kib));  // it is in use
}

TEST(block_cache, gives_blocks_that_fit_and_are_not_much_too_large) {
    const auto cache = block_cache::make(1024 * kib);
    { const buffer_ref block = cache->take(256 * kib); }
    EXPECT_FALSE(cache->take_idle(257 * kib));
    EXPECT_FALSE(cache->take_idle(127 * kib));
    EXPECT_TRUE(cache->take_idle(128 * kib));
    EXPECT_TRUE(cache->take_idle(256 * kib));
}

TEST(block_cache, keeps_no_more_than_it_may) {
    const auto cache = block_cache::make(300 * kib);
    {
        const buffer_ref a = cache->take(200 * kib);
        const buffer_ref b = cache->take(200 * kib);
    }
    const buffer_ref kept = cache->take_idle(200 * kib);
    EXPECT_TRUE(kept);
    EXPECT_FALSE(cache->take_idle(200 * kib));
}

TEST(block_cache, has_the_room_of_a_block_again_once_it_is_taken) {
    const auto cache = block_cache::make(200 * kib);
    for (int i = 0; i < 3; ++i) {
        { const buffer_ref block = cache->take(200 * kib); }
        EXPECT_TRUE(cache->take_idle(200 * kib));
    }
}

TEST(block_cache, keeps_no_small_blocks_and_no_more_than_it_has_places) {
    const auto cache = block_cache::make(1024 * 1024 * kib);
    { const buffer_ref block = cache->take(block_cache::smallest - 1); }
    EXPECT_FALSE(cache->take_idle(block_cache::smallest - 1));
    {
        std::vector<buffer_ref> many;
        for (int i = 0; i < 40; ++i) many.push_back(cache->take(block_cache::smallest));
    }
    std::vector<buffer_ref> kept;
    while (buffer_ref block = cache->take_idle(block_cache::smallest)) kept.push_back(block);
    EXPECT_GT(kept.size(), 0U);
    EXPECT_LT(kept.size(), 40U);
}

TEST(block_cache, outlives_its_owner_for_the_blocks_in_use) {
    auto cache = block_cache::make(1024 * kib);
    buffer_ref block = cache->take(64 * kib);
    cache.reset();
    std::memset(block->data(), 1, block->capacity());
    EXPECT_EQ(block->data()[block->capacity() - 1], std::byte{1});
    block = {};  // frees both; AddressSanitizer watches
}

TEST(block_cache, takes_blocks_back_from_other_threads) {
    const auto cache = block_cache::make(4096 * kib);
    for (int round = 0; round < 200; ++round) {
        std::vector<std::thread> threads;
        for (int i = 0; i < 3; ++i) {
            buffer_ref block = cache->take(64 * kib);
            std::memset(block->data(), i, 64);
            threads.emplace_back([mine = std::move(block)] { EXPECT_TRUE(mine->unique()); });
        }
        for (std::thread& each : threads) each.join();
    }
    EXPECT_TRUE(cache->take_idle(64 * kib));
}

}  // namespace
}  // namespace weft
