#include "auth/token_cache.hpp"

#include <gtest/gtest.h>

namespace weft::auth {
namespace {

token_digest digest(unsigned n) {
    token_digest d{};
    d[0] = static_cast<unsigned char>(n);
    return d;
}

std::shared_ptr<const verified_token> token(std::string subject) {
    auto made = std::make_shared<verified_token>();
    made->subject = std::move(subject);
    return made;
}

TEST(token_cache, the_one_that_was_not_used_for_longest_makes_room) {
    token_cache cache(2, 1 << 20);
    cache.add(digest(1), token("a"));
    cache.add(digest(2), token("b"));
    ASSERT_NE(cache.find(digest(1)), nullptr);
    cache.add(digest(3), token("c"));
    EXPECT_NE(cache.find(digest(1)), nullptr);
    EXPECT_EQ(cache.find(digest(2)), nullptr);
    EXPECT_EQ(cache.find(digest(3))->subject, "c");
}

TEST(token_cache, bytes_are_bounded) {
    token_cache cache(1000, 10'000);
    for (unsigned n = 0; n < 100; ++n) {
        cache.add(digest(n), token(std::string(1000, 's')));
        EXPECT_LE(cache.bytes(), 10'000U);
    }
    EXPECT_NE(cache.find(digest(99)), nullptr);
    EXPECT_EQ(cache.find(digest(0)), nullptr);
    cache.add(digest(200), token(std::string(20'000, 's')));
    EXPECT_EQ(cache.find(digest(200)), nullptr) << "too large alone";
    EXPECT_NE(cache.find(digest(99)), nullptr);
}

TEST(token_cache, what_is_removed_is_no_longer_charged) {
    token_cache cache(10, 1 << 20);
    cache.add(digest(1), token("a"));
    cache.add(digest(1), token("again"));
    EXPECT_EQ(cache.find(digest(1))->subject, "again");
    cache.remove(digest(1));
    cache.remove(digest(1));
    EXPECT_EQ(cache.find(digest(1)), nullptr);
    EXPECT_EQ(cache.bytes(), 0U);
}

TEST(token_cache, none_keeps_none) {
    token_cache cache(0, 1 << 20);
    cache.add(digest(1), token("a"));
    EXPECT_EQ(cache.find(digest(1)), nullptr);
}

TEST(token_cache, digests_are_sha256) {
    const auto d = digest_of("abc");
    ASSERT_TRUE(d);
    EXPECT_EQ((*d)[0], 0xba);
    EXPECT_EQ((*d)[31], 0xad);
    EXPECT_NE(digest_of("abd"), d);
    EXPECT_EQ(digest_of("abc"), d);
}

}  // namespace
}  // namespace weft::auth
