#include "base/siphash.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <utility>

#include <gtest/gtest.h>
#include <openssl/evp.h>

namespace weft {
namespace {

// The key 00 01 .. 0f over the first n of the bytes 00 01 02 ..., as the published vectors have it.
TEST(siphash, agrees_with_the_published_vectors) {
    std::array<std::byte, 64> input;
    for (std::size_t i = 0; i < input.size(); ++i) input[i] = static_cast<std::byte>(i);
    const siphash_key key{0x0706050403020100, 0x0f0e0d0c0b0a0908};
    constexpr std::pair<std::size_t, std::uint64_t> vectors[] = {
        {0, 0xabac0158050fc4dc},  {1, 0xc9f49bf37d57ca93},  {2, 0x82cb9b024dc7d44d},
        {3, 0x8bf80ab8e7ddf7fb},  {4, 0xcf75576088d38328},  {5, 0xdef9d52f49533b67},
        {6, 0xc50d2b50c59f22a7},  {7, 0xd3927d989bb11140},  {8, 0x369095118d299a8e},
        {15, 0xd320d86d2a519956}, {16, 0xcc4fdd1a7d908b66}, {63, 0x9d199062b7bbb3a8},
    };
    for (const auto& [size, expected] : vectors) {
        EXPECT_EQ(siphash_1_3(key, byte_view(input).first(size)), expected) << size << " bytes";
    }
}

// OpenSSL's has 128 bits unless it is told otherwise. Every size around the words, and a long one.
TEST(siphash, of_128_bits_agrees_with_that_of_openssl) {
    std::array<std::byte, 600> input;
    for (std::size_t i = 0; i < input.size(); ++i) input[i] = static_cast<std::byte>(i * 7);
    const siphash_key key{0x0706050403020100, 0x0f0e0d0c0b0a0908};
    const std::unique_ptr<EVP_MAC, void (*)(EVP_MAC*)> mac(
        EVP_MAC_fetch(nullptr, "SIPHASH", nullptr), EVP_MAC_free);
    ASSERT_NE(mac, nullptr);
    for (std::size_t size = 0; size <= input.size(); size += size < 64 ? 1 : 67) {
        const std::unique_ptr<EVP_MAC_CTX, void (*)(EVP_MAC_CTX*)> context(
            EVP_MAC_CTX_new(mac.get()), EVP_MAC_CTX_free);
        std::array<unsigned char, 16> expected{};
        std::size_t got = 0;
        unsigned char raw[16];
        for (unsigned i = 0; i < 16; ++i) raw[i] = static_cast<unsigned char>(i);
        ASSERT_EQ(EVP_MAC_init(context.get(), raw, sizeof raw, nullptr), 1);
        ASSERT_EQ(EVP_MAC_update(context.get(),
                                 reinterpret_cast<const unsigned char*>(input.data()), size),
                  1);
        ASSERT_EQ(EVP_MAC_final(context.get(), expected.data(), &got, expected.size()), 1);
        ASSERT_EQ(got, expected.size());
        std::array<std::uint64_t, 2> words{};
        for (std::size_t i = 0; i < 16; ++i)
            words[i / 8] |= std::uint64_t{expected[i]} << (8 * (i % 8));
        EXPECT_EQ(siphash_2_4_128(key, byte_view(input).first(size)), words) << size << " bytes";
    }
}

TEST(siphash, keys_are_drawn_one_by_one) {
    const auto one = siphash_key::draw();
    const auto other = siphash_key::draw();
    ASSERT_TRUE(one && other);
    EXPECT_NE(one->k0, other->k0);
    EXPECT_NE(one->k1, other->k1);
}

TEST(siphash, depends_on_both_halves_of_the_key) {
    const auto text = as_bytes("topic");
    const auto hash = siphash_1_3({1, 2}, text);
    EXPECT_NE(siphash_1_3({0, 2}, text), hash);
    EXPECT_NE(siphash_1_3({1, 0}, text), hash);
}

TEST(siphash, key_of_the_process_is_random_and_stays) {
    const siphash_key& key = siphash_key::of_process();
    EXPECT_NE(key.k0, 0U);
    EXPECT_NE(key.k1, 0U);
    EXPECT_EQ(&siphash_key::of_process(), &key);
    EXPECT_EQ(keyed_hash{}("a"), siphash_1_3(key, as_bytes("a")));
}

}  // namespace
}  // namespace weft
