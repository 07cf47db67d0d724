// Conditions and ranges: the table of RFC 9110 sections 13 and 14, as far as a file needs it.

#include "http/proto/conditional.hpp"

#include <gtest/gtest.h>

#include <string>
#include <tuple>

#include "http/proto/head_parser.hpp"

namespace weft::http {
namespace {

constexpr std::time_t modified = 784111777;  // Sun, 06 Nov 1994 08:49:37 GMT

selection choose(const std::string& lines, std::uint64_t size = 100,
                 const std::string& etag = "\"a\"", const std::string& method = "GET") {
    const std::string bytes = method + " / HTTP/1.1\r\nHost: x\r\n" + lines + "\r\n";
    head_parser parser(head_kind::request);
    EXPECT_EQ(parser.parse(bytes), parse_status::complete);
    return select_content(parser.head(), size, etag, modified);
}

std::string shown(const selection& s) {
    return std::to_string(s.status) + " " + std::to_string(s.begin) + "+" + std::to_string(s.size);
}

std::string range(const std::string& value, std::uint64_t size = 100) {
    return shown(choose("Range: " + value + "\r\n", size));
}

TEST(select_content, without_conditions_is_the_whole) {
    EXPECT_EQ(shown(choose("")), "200 0+100");
}

TEST(select_content, if_match_wants_the_very_same_file) {
    for (const std::string same : {"\"a\"", "*", "\"x\", \"a\"", "W/\"x\", \"a\""})
        EXPECT_EQ(choose("If-Match: " + same + "\r\n").status, 200) << same;
    for (const std::string other : {"\"b\"", "W/\"a\"", "a", ""})
        EXPECT_EQ(choose("If-Match: " + other + "\r\n").status, 412) << other;
    EXPECT_EQ(choose("If-Match: \"b\"\r\nIf-Match: \"a\"\r\n").status, 200);
    EXPECT_EQ(choose("If-Match: W/\"a\"\r\n", 100, "W/\"a\"").status, 412) << "a weak tag of ours";
    // It comes first, and the date counts only without it.
    EXPECT_EQ(choose("If-Match: \"b\"\r\nIf-None-Match: \"a\"\r\nRange: bytes=0-0\r\n").status,
              412);
    EXPECT_EQ(
        choose("If-Match: \"a\"\r\nIf-Unmodified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n").status,
        200);
    EXPECT_EQ(shown(choose("If-Match: \"a\"\r\nRange: bytes=0-0\r\n")), "206 0+1");
}

TEST(select_content, if_unmodified_since_wants_nothing_newer) {
    EXPECT_EQ(choose("If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n").status, 200);
    EXPECT_EQ(choose("If-Unmodified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n").status, 412);
    EXPECT_EQ(choose("If-Unmodified-Since: yesterday\r\n").status, 200);
}

TEST(select_content, single_ranges) {
    EXPECT_EQ(range("bytes=0-0"), "206 0+1");
    EXPECT_EQ(range("bytes=10-19"), "206 10+10");
    EXPECT_EQ(range("Bytes=90-"), "206 90+10");
    EXPECT_EQ(range("bytes=90-1000"), "206 90+10");
    EXPECT_EQ(range("bytes=-10"), "206 90+10");
    EXPECT_EQ(range("bytes=-1000"), "206 0+100");
    EXPECT_EQ(range("bytes=0-18446744073709551615"), "206 0+100");
}

TEST(select_content, ranges_that_cannot_be_satisfied) {
    EXPECT_EQ(range("bytes=100-"), "416 0+0");
    EXPECT_EQ(range("bytes=100-200"), "416 0+0");
    EXPECT_EQ(range("bytes=-0"), "416 0+0");
    EXPECT_EQ(range("bytes=0-", 0), "416 0+0");
    EXPECT_EQ(range("bytes=-5", 0), "416 0+0");
}

TEST(select_content, ranges_that_are_ignored) {
    for (const std::string value :
         {"bytes=", "bytes=-", "bytes=5-4", "bytes=a-b", "bytes=1-2x", "bytes=+1-2", "bytes=--2",
          "bytes=1", "lines=1-2", "bytes 1-2", "bytes=0-1,5-6", "bytes=18446744073709551616-"}) {
        EXPECT_EQ(range(value), "200 0+100") << value;
    }
    EXPECT_EQ(shown(choose("Range: bytes=0-1\r\nRange: bytes=0-1\r\n")), "200 0+100");
    EXPECT_EQ(shown(choose("Range: bytes=0-1\r\n", 100, "\"a\"", "HEAD")), "200 0+100");
}

TEST(select_content, entity_tags) {
    const auto status = [](const std::string& list, const std::string& etag) {
        return choose("If-None-Match: " + list + "\r\n", 100, etag).status;
    };
    EXPECT_EQ(status("\"a\"", "\"a\""), 304);
    EXPECT_EQ(status("W/\"a\"", "\"a\""), 304);
    EXPECT_EQ(status("\"a\"", "W/\"a\""), 304);
    EXPECT_EQ(status("\"b\", W/\"x,y\" ,\"a\"", "\"a\""), 304);
    EXPECT_EQ(status("\"x,y\"", "\"x,y\""), 304);
    EXPECT_EQ(status("*", "\"a\""), 304);
    EXPECT_EQ(status("\"b\"", "\"a\""), 200);
    EXPECT_EQ(status("a", "\"a\""), 200);
    EXPECT_EQ(status("\"a", "\"a\""), 200);
    EXPECT_EQ(status("\"aa\"", "\"a\""), 200);
}

TEST(select_content, modification_dates) {
    EXPECT_EQ(choose("If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n").status, 304);
    EXPECT_EQ(choose("If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n").status, 200);
    EXPECT_EQ(choose("If-Modified-Since: yesterday\r\n").status, 200);
    // The tag decides when both are there.
    EXPECT_EQ(choose("If-None-Match: \"b\"\r\nIf-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n")
                  .status,
              200);
}

TEST(select_content, if_range_needs_exactly_the_same_file) {
    const auto status = [](const std::string& condition, const std::string& etag = "\"a\"") {
        return choose("Range: bytes=0-1\r\nIf-Range: " + condition + "\r\n", 100, etag).status;
    };
    EXPECT_EQ(status("\"a\""), 206);
    EXPECT_EQ(status("\"b\""), 200);
    EXPECT_EQ(status("W/\"a\"", "W/\"a\""), 200);
    EXPECT_EQ(status("Sun, 06 Nov 1994 08:49:37 GMT"), 206);
    EXPECT_EQ(status("Sun, 06 Nov 1994 08:49:38 GMT"), 200);
}

TEST(accepts_coding, follows_the_list_and_its_weights) {
    const auto accepts = [](const std::string& value) {
        const std::string bytes =
            "GET / HTTP/1.1\r\nHost: x\r\nAccept-Encoding: " + value + "\r\n\r\n";
        head_parser parser(head_kind::request);
        EXPECT_EQ(parser.parse(bytes), parse_status::complete);
        return accepts_coding(parser.head(), "br");
    };
    EXPECT_TRUE(accepts("gzip, deflate, br"));
    EXPECT_TRUE(accepts("BR;q=0.5"));
    EXPECT_TRUE(accepts("br ; q=0.001"));
    EXPECT_FALSE(accepts("br;q=0"));
    EXPECT_FALSE(accepts("br;q=0.000"));
    EXPECT_FALSE(accepts("gzip"));
    EXPECT_FALSE(accepts("brotli"));
    EXPECT_FALSE(accepts(""));
}

}  // namespace
}  // namespace weft::http
