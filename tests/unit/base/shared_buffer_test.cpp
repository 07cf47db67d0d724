#include <gtest/gtest.h>

#include <cstring>

#include <weft/base/shared_buffer.hpp>

namespace weft {
namespace {

TEST(shared_buffer, resize_keeps_the_used_bytes) {
    buffer_ref block = shared_buffer::allocate(100);
    std::memset(block->data(), 'x', 100);
    ASSERT_TRUE(shared_buffer::resize(block, 1'000'000, 100));
    EXPECT_EQ(block->capacity(), 1'000'000U);
    EXPECT_TRUE(block->unique());
    for (int i = 0; i < 100; ++i) ASSERT_EQ(block->data()[i], std::byte{'x'});
}

TEST(shared_buffer, resize_leaves_a_block_that_others_see_alone) {
    buffer_ref block = shared_buffer::allocate(8);
    std::memcpy(block->data(), "12345678", 8);
    const buffer_ref other = block;
    ASSERT_TRUE(shared_buffer::resize(block, 16, 8));
    EXPECT_NE(block.get(), other.get());
    EXPECT_EQ(std::memcmp(other->data(), block->data(), 8), 0);
    EXPECT_TRUE(other->unique());
}

TEST(shared_buffer, resize_that_fails_changes_nothing) {
    buffer_ref block = shared_buffer::allocate(8);
    const shared_buffer* const before = block.get();
    EXPECT_FALSE(shared_buffer::resize(block, SIZE_MAX - 8, 8));
    EXPECT_EQ(block.get(), before);
}

TEST(shared_buffer, resize_makes_a_block_for_an_empty_reference) {
    buffer_ref block;
    ASSERT_TRUE(shared_buffer::resize(block, 8, 0));
    EXPECT_EQ(block->capacity(), 8U);
}

}  // namespace
}  // namespace weft
