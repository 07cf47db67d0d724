#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include <weft/base/utf8.hpp>

namespace weft {
namespace {

/// Decodes by the definition: one code point at a time, then checks its value.
bool reference_valid(std::string_view text) {
    std::size_t at = 0;
    while (at < text.size()) {
        const auto lead = static_cast<unsigned char>(text[at]);
        const std::size_t length = lead < 0x80             ? 1
                                   : (lead & 0xE0) == 0xC0 ? 2
                                   : (lead & 0xF0) == 0xE0 ? 3
                                   : (lead & 0xF8) == 0xF0 ? 4
                                                           : 0;
        if (length == 0 || at + length > text.size()) return false;
        std::uint32_t point = length == 1 ? lead : lead & (0x7FU >> length);
        for (std::size_t i = 1; i < length; ++i) {
            const auto next = static_cast<unsigned char>(text[at + i]);
            if ((next & 0xC0) != 0x80) return false;
            point = point << 6 | (next & 0x3F);
        }
        constexpr std::uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
        if (point < least[length] || point > 0x10FFFF) return false;
        if (point >= 0xD800 && point <= 0xDFFF) return false;
        at += length;
    }
    return true;
}

bool stream_valid(std::string_view text, std::size_t split) {
    utf8_stream stream;
    return stream.feed(as_bytes(text.substr(0, split))) &&
           stream.feed(as_bytes(text.substr(split))) && stream.complete();
}

/// Whether some text goes on from here: tried with continuations at the edges of their ranges.
bool can_go_on(std::string text, int depth = 3) {
    if (reference_valid(text)) return true;
    if (depth == 0) return false;
    for (const char next : {'\x80', '\x8F', '\x90', '\x9F', '\xA0', '\xBF'}) {
        if (can_go_on(text + next, depth - 1)) return true;
    }
    return false;
}

const std::vector<std::string>& vectors() {
    static const std::vector<std::string> all{
        "",
        "plain ASCII, longer than eight bytes",
        "\xC2\x80",
        "\xDF\xBF",
        "\xE0\xA0\x80",
        "\xEF\xBF\xBF",
        "\xF0\x90\x80\x80",
        "\xF4\x8F\xBF\xBF",
        "\xED\x9F\xBF\xEE\x80\x80",
        "\xCE\xBA\xE1\xBD\xB9\xCF\x83\xCE\xBC\xCE\xB5",
        "\xCE\xBA\xE1\xBD\xB9\xCF\x83\xCE\xBC\xCE\xB5\xED\xA0\x80 edited",
        "\xCE\xBA\xE1\xBD\xB9\xCF\x83\xCE\xBC\xCE\xB5\xF4\x90\x80\x80 edited",
        "\x80",
        "\xBF",
        "\xC0\x80",
        "\xC1\xBF",
        "\xE0\x80\x80",
        "\xE0\x9F\xBF",
        "\xED\xA0\x80",
        "\xED\xBF\xBF",
        "\xF0\x80\x80\x80",
        "\xF0\x8F\xBF\xBF",
        "\xF4\x90\x80\x80",
        "\xF5\x80\x80\x80",
        "\xF8\x88\x80\x80\x80",
        "\xFC\x84\x80\x80\x80\x80",
        "\xFE",
        "\xFF",
        "\xC3",
        "\xE2\x82",
        "\xF0\x9F\x98",
        "\xC3(",
        "\xE2\x82(",
        "\xF0\x9F\x98(",
        "12345678\xC3\xA9"
        "12345678",
        "12345678\xC3"
        "12345678",
    };
    return all;
}

TEST(utf8, sec_w5_whole_texts_equal_the_definition) {
    for (const std::string& text : vectors()) {
        EXPECT_EQ(validate_utf8(as_bytes(text)), reference_valid(text)) << text;
    }
}

TEST(utf8, sec_w5_any_split_gives_the_same_verdict) {
    for (const std::string& text : vectors()) {
        for (std::size_t split = 0; split <= text.size(); ++split) {
            EXPECT_EQ(stream_valid(text, split), reference_valid(text)) << text << " at " << split;
        }
    }
}

TEST(utf8, sec_w5_every_short_sequence_split_everywhere) {
    // All 2-byte sequences, and all longer ones with bytes at the edges of the ranges.
    std::vector<std::string> all;
    for (int a = 0; a < 256; ++a) {
        for (int b = 0; b < 256; ++b) {
            all.push_back({static_cast<char>(a), static_cast<char>(b)});
        }
    }
    const std::string edges = "\x7F\x80\x8F\x90\x9F\xA0\xBF\xC0";
    for (int a = 0xC0; a < 256; ++a) {
        for (const char b : edges) {
            for (const char c : edges) {
                all.push_back({static_cast<char>(a), b, c});
                for (const char d : edges) all.push_back({static_cast<char>(a), b, c, d});
            }
        }
    }
    for (const std::string& text : all) {
        const bool expected = reference_valid(text);
        ASSERT_EQ(validate_utf8(as_bytes(text)), expected);
        for (std::size_t split = 0; split <= text.size(); ++split) {
            ASSERT_EQ(stream_valid(text, split), expected);
        }
    }
}

TEST(utf8, sec_w5_fails_at_the_first_byte_that_cannot_be) {
    for (const std::string& text : vectors()) {
        utf8_stream stream;
        for (std::size_t i = 0; i < text.size(); ++i) {
            const bool accepted = stream.feed(as_bytes(std::string_view(text).substr(i, 1)));
            ASSERT_EQ(accepted, can_go_on(text.substr(0, i + 1))) << text << " byte " << i;
            if (!accepted) break;
        }
    }
}

TEST(utf8, mutated_texts_equal_the_definition) {
    std::mt19937 random(7);
    const std::string base = "Grüße, мир, 世界, 😀 and plain text in between to fill vectors. ";
    for (int round = 0; round < 20000; ++round) {
        std::string text = base.substr(random() % base.size()) + base;
        for (std::size_t n = random() % 3; n > 0; --n) {
            text[random() % text.size()] = static_cast<char>(random());
        }
        const bool expected = reference_valid(text);
        ASSERT_EQ(validate_utf8(as_bytes(text)), expected);
        ASSERT_EQ(stream_valid(text, random() % text.size()), expected);
    }
}

TEST(utf8, stream_can_be_used_again_after_reset) {
    utf8_stream stream;
    EXPECT_TRUE(stream.feed(as_bytes("\xE2\x82")));
    EXPECT_FALSE(stream.complete());
    stream.reset();
    EXPECT_TRUE(stream.complete());
    EXPECT_TRUE(stream.feed(as_bytes("ok")));
}

}  // namespace
}  // namespace weft
