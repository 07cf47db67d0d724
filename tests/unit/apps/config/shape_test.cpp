#include "config/shape.hpp"

#include <gtest/gtest.h>

namespace {

using namespace weft::config;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;
using weft::duration;

constexpr shape bytes{.type = kind::size, .least = 1, .most = UINT64_MAX};
constexpr shape wait{.type = kind::time, .least = 0, .most = INT64_MAX};

std::string complaint(const shape& takes, const std::string& text) {
    const auto made = from_text(takes, text);
    return made ? "" : made.error().what();
}

TEST(shape, sizes_have_units) {
    for (const auto& [text, size] : {std::pair<const char*, std::uint64_t>{"1", 1},
                                     {"64KiB", 65'536},
                                     {"3MiB", 3U << 20U},
                                     {"16GiB", 16ULL << 30U}}) {
        const auto made = from_text(bytes, text);
        ASSERT_TRUE(made) << text;
        EXPECT_EQ(*made, value(size));
        EXPECT_EQ(to_words(bytes, *made), text);
    }
    for (const char* const wrong : {"", "KiB", "1 KiB", "1KB", "1kib", "-1", "1.5MiB", "0x10",
                                    "1MiBB", "18446744073709551616", "17179869184GiB"})
        EXPECT_NE(complaint(bytes, wrong), "") << wrong;
}

TEST(shape, times_have_units) {
    const std::pair<const char*, duration> good[] = {
        {"0s", seconds(0)}, {"1ms", milliseconds(1)}, {"90s", seconds(90)}, {"5m", minutes(5)}};
    for (const auto& [text, time] : good) EXPECT_EQ(*from_text(wait, text), value(time)) << text;
    EXPECT_EQ(to_words(wait, value(duration(seconds(90)))), "90s");
    EXPECT_EQ(to_words(wait, value(duration(minutes(5)))), "5m");
    for (const char* const wrong :
         {"", "10", "s", "10 s", "10sec", "-1s", "9223372036854775808ns", "106752d"})
        EXPECT_NE(complaint(wait, wrong), "") << wrong;
}

TEST(shape, permissions_are_octal) {
    const shape mode{.type = kind::mode, .least = 0, .most = 0777};
    EXPECT_EQ(*from_text(mode, "0660"), value(std::uint64_t{0660}));
    EXPECT_EQ(to_toml(mode, value(std::uint64_t{0660})), "\"0660\"");
    for (const char* const wrong : {"8", "0888", "1777", "rw"})
        EXPECT_NE(complaint(mode, wrong), "");
}

TEST(shape, a_complaint_says_what_was_expected_and_what_was_found) {
    EXPECT_EQ(complaint({.type = kind::integer, .least = 1, .most = 255}, "300"),
              "expected a number from 1 to 255, found '300'");
    EXPECT_EQ(complaint({.type = kind::choice, .choices = "red green blue"}, "gray"),
              "expected red, green or blue, found 'gray'");
    const std::string found = complaint(bytes, "\x1b[2J" + std::string(1000, 'x'));
    EXPECT_LT(found.size(), 200U);
    EXPECT_EQ(found.find('\x1b'), std::string::npos);
}

TEST(shape, texts_are_quoted_for_toml) {
    EXPECT_EQ(in_quotes("a\"b\\c\n\x7f"), R"("a\"b\\c\u000a\u007f")");
    EXPECT_NE(complaint({.type = kind::text}, std::string("a\0b", 3)), "");
}

}  // namespace
