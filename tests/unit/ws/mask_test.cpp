#include <gtest/gtest.h>

#include <array>
#include <random>
#include <vector>

#include "ws/proto/mask.hpp"

namespace weft::ws {
namespace {

constexpr std::array<std::uint8_t, 4> key_bytes{0x37, 0xFA, 0x21, 0x3D};

mask_key test_key() {
    mask_key key;
    std::memcpy(&key, key_bytes.data(), 4);
    return key;
}

TEST(mask, equals_the_definition_at_all_lengths_alignments_and_phases) {
    std::mt19937 random(5);
    for (std::size_t length = 0; length <= 300; ++length) {
        for (std::size_t alignment = 0; alignment < 8; ++alignment) {
            for (std::size_t phase = 0; phase < 4; ++phase) {
                alignas(64) std::array<std::byte, 400> area;
                for (std::byte& b : area) b = static_cast<std::byte>(random());
                auto expected = area;
                bool ascii = true;
                for (std::size_t i = 0; i < length; ++i) {
                    std::byte& b = expected[32 + alignment + i];
                    b ^= static_cast<std::byte>(key_bytes[(phase + i) % 4]);
                    ascii = ascii && std::to_integer<int>(b) < 0x80;
                }
                const bool said = apply_mask(byte_span(area).subspan(32 + alignment, length),
                                             advance_key(test_key(), phase));
                ASSERT_EQ(area, expected) << length << " " << alignment << " " << phase;
                ASSERT_EQ(said, ascii);
            }
        }
    }
}

TEST(mask, sees_one_byte_that_is_not_ascii_anywhere) {
    for (std::size_t length = 1; length <= 300; ++length) {
        for (std::size_t odd = 0; odd <= length; ++odd) {  // odd == length: none
            std::vector<std::byte> data(length, std::byte{'a'});
            if (odd < length) data[odd] = std::byte{0xC3};
            apply_mask(data, test_key());
            ASSERT_EQ(apply_mask(data, test_key()), odd == length) << length << " " << odd;
        }
    }
}

TEST(mask, can_stop_and_go_on_anywhere) {
    std::vector<std::byte> whole(300, std::byte{0x55});
    apply_mask(whole, test_key());
    for (std::size_t split = 0; split <= whole.size(); ++split) {
        std::vector<std::byte> parts(300, std::byte{0x55});
        apply_mask(byte_span(parts).first(split), test_key());
        apply_mask(byte_span(parts).subspan(split), advance_key(test_key(), split));
        ASSERT_EQ(parts, whole) << split;
    }
}

}  // namespace
}  // namespace weft::ws
