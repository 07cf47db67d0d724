#include "auth/token_cache.hpp"

#include <gtest/gtest.h>

namespace weft::auth {
namespace {

token_tag tag(unsigned n) {
    return {n, 0};
}

std::shared_ptr<const verified_token> token(std::string subject) {
    auto made = std::make_shared<verified_token>();
    made->subject = std::move(subject);
    return made;
}

TEST(token_cache, the_one_that_was_not_used_for_longest_makes_room) {
    token_cache cache(2, 1 << 20);
    cache.add(tag(1), token("a"));
    cache.add(tag(2), token("b"));
    ASSERT_NE(cache.find(tag(1)), nullptr);
    cache.add(tag(3), token("c"));
    EXPECT_NE(cache.find(tag(1)), nullptr);
    EXPECT_EQ(cache.find(tag(2)), nullptr);
    EXPECT_EQ(cache.find(tag(3))->subject, "c");
}

TEST(token_cache, bytes_are_bounded) {
    token_cache cache(1000, 10'000);
    for (unsigned n = 0; n < 100; ++n) {
        cache.add(tag(n), token(std::string(1000, 's')));
        EXPECT_LE(cache.bytes(), 10'000U);
    }
    EXPECT_NE(cache.find(tag(99)), nullptr);
    EXPECT_EQ(cache.find(tag(0)), nullptr);
    cache.add(tag(200), token(std::string(20'000, 's')));
    EXPECT_EQ(cache.find(tag(200)), nullptr) << "too large alone";
    EXPECT_NE(cache.find(tag(99)), nullptr);
}

TEST(token_cache, what_is_removed_is_no_longer_charged) {
    token_cache cache(10, 1 << 20);
    cache.add(tag(1), token("a"));
    cache.add(tag(1), token("again"));
    EXPECT_EQ(cache.find(tag(1))->subject, "again");
    cache.remove(tag(1));
    cache.remove(tag(1));
    EXPECT_EQ(cache.find(tag(1)), nullptr);
    EXPECT_EQ(cache.bytes(), 0U);
}

TEST(token_cache, none_keeps_none) {
    token_cache cache(0, 1 << 20);
    cache.add(tag(1), token("a"));
    EXPECT_EQ(cache.find(tag(1)), nullptr);
}

TEST(token_cache, a_tag_is_found_only_whole) {
    token_cache cache(10, 1 << 20);
    cache.add({1, 2}, token("a"));
    EXPECT_EQ(cache.find({1, 3}), nullptr);
    EXPECT_EQ(cache.find({2, 2}), nullptr);
    EXPECT_NE(cache.find({1, 2}), nullptr);
}

TEST(token_cache, sec_j8_a_tag_stands_for_every_byte_of_its_token) {
    const token_cache cache(10, 1 << 20);
    const std::string token(300, 't');
    const auto one = cache.tag_of(token);
    ASSERT_TRUE(one);
    EXPECT_EQ(cache.tag_of(token), one);
    for (std::size_t i = 0; i < token.size(); ++i) {
        std::string other = token;
        other[i] = 'u';
        EXPECT_NE(cache.tag_of(other), one) << i;
    }
    EXPECT_NE(cache.tag_of(token + '\0'), one);
    EXPECT_NE(cache.tag_of(std::string_view(token).substr(1)), one);
}

TEST(token_cache, sec_j8_each_cache_has_a_key_of_its_own) {
    EXPECT_NE(token_cache(10, 1 << 20).tag_of("a"), token_cache(10, 1 << 20).tag_of("a"));
    EXPECT_FALSE(token_cache(0, 1 << 20).tag_of("a")) << "nothing is kept";
}

}  // namespace
}  // namespace weft::auth
