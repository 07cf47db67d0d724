// Request targets: the three forms, authorities, and paths decoded once or refused.

#include "http/proto/target.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>

namespace weft::http {
namespace {

std::string decoded(std::string_view raw) {
    std::array<char, 256> out;
    return std::string(decode_path(raw, out).value_or("refused"));
}

TEST(split_target, takes_origin_absolute_and_star_form) {
    const auto origin = split_target("/a/b?c=d?e", method::get);
    ASSERT_TRUE(origin);
    EXPECT_EQ(origin->path, "/a/b");
    EXPECT_EQ(origin->query, "c=d?e");
    EXPECT_EQ(origin->authority, "");

    const auto absolute = split_target("HTTP://x.org:8080/a?b", method::get);
    ASSERT_TRUE(absolute);
    EXPECT_EQ(absolute->authority, "x.org:8080");
    EXPECT_EQ(absolute->path, "/a");
    EXPECT_EQ(absolute->query, "b");

    const auto bare = split_target("https://x.org?b/c", method::get);
    ASSERT_TRUE(bare);
    EXPECT_EQ(bare->authority, "x.org");
    EXPECT_EQ(bare->path, "/");
    EXPECT_EQ(bare->query, "b/c");

    EXPECT_TRUE(split_target("*", method::options));
}

TEST(split_target, refuses_everything_else) {
    for (const std::string_view target : {"", "*", "a", "x:443", "http:/x", "http://", "http:///a",
                                          "http://u@x/", "ws://x/", "?a", "//x/", "http://x:y/"}) {
        const bool network_path = target == "//x/";  // an origin form whose path is refused later
        EXPECT_EQ(split_target(target, method::get).has_value(), network_path) << target;
    }
    EXPECT_EQ(decoded("//x/"), "refused");
}

TEST(split_authority, parts_host_and_port) {
    const auto parts = [](std::string_view text) {
        const auto p = split_authority(text);
        return p ? std::string(p->host) + "|" + std::string(p->port) : "refused";
    };
    EXPECT_EQ(parts("a.b"), "a.b|");
    EXPECT_EQ(parts("a.b:80"), "a.b|80");
    EXPECT_EQ(parts("a.b:"), "a.b|");
    EXPECT_EQ(parts("[::1]:65535"), "[::1]|65535");
    EXPECT_EQ(parts("[::ffff:1.2.3.4]"), "[::ffff:1.2.3.4]|");
    for (const std::string_view text :
         {"", ":80", "a:b", "a:65536", "a:1:2", "::1", "[::1", "[]", "[1]", "[::1]x", "[::g]",
          "a b", "a/b", "a@b", "a?b", "a\\b", "\xC3\xA4", "a:99999999999999999999"}) {
        EXPECT_EQ(parts(text), "refused") << text;
    }
}

TEST(decode_path, decodes_exactly_once) {
    EXPECT_EQ(decoded("/"), "/");
    EXPECT_EQ(decoded("/a%20b/c"), "/a b/c");
    EXPECT_EQ(decoded("/%41%6a"), "/Aj");
    EXPECT_EQ(decoded("/%2541"), "/%41");
    EXPECT_EQ(decoded("/%C3%A4/"), "/\xC3\xA4/");
    EXPECT_EQ(decoded("/a+b"), "/a+b");
    EXPECT_EQ(decoded("/..a/.b/c.."), "/..a/.b/c..");
}

TEST(decode_path, returns_the_input_when_nothing_is_encoded) {
    const std::string raw = "/plain/path";
    std::array<char, 64> out;
    const auto path = decode_path(raw, out);
    ASSERT_TRUE(path);
    EXPECT_EQ(path->data(), raw.data());
}

TEST(sec_h6_path, refuses_every_ambiguous_spelling) {
    for (const std::string_view raw :
         {"",     "a",        "*",      "//",         "/a//b",   "/a//",    "/.",
          "/..",  "/./",      "/../",   "/a/.",       "/a/..",   "/a/../b", "/a/./b",
          "/%2e", "/%2e%2e/", "/.%2e/", "/%2E./",     "/a%2eb",  "/%2f",    "/a%2Fb",
          "/%5c", "/a\\b",    "/%00",   "/a%00.html", "/%0d%0a", "/%1f",    "/%7f",
          "/%",   "/%2",      "/%g0",   "/%0g",       "/a%",     "/..%2f",  "/..%5c"}) {
        EXPECT_EQ(decoded(raw), "refused") << raw;
    }
}

TEST(decode_query, decodes_plus_and_escapes) {
    std::array<char, 64> out;
    EXPECT_EQ(decode_query("a+b%26%3D%2b", out), "a b&=+");
    EXPECT_FALSE(decode_query("a%2", out));
    EXPECT_FALSE(decode_query("%zz", out));
}

}  // namespace
}  // namespace weft::http
