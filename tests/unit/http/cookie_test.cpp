// Cookies: whatever is set comes back as it was, and nothing in it ends the line or adds an
// attribute.

#include <weft/http/cookie.hpp>

#include <gtest/gtest.h>

#include <string>

#include "http_world.hpp"

namespace weft::http {
namespace {

using namespace testing;

TEST(cookie, is_written_with_its_attributes) {
    EXPECT_EQ(to_string({.name = "sid", .value = "abc"}),
              "sid=abc; Path=/; HttpOnly; SameSite=Lax");
    EXPECT_EQ(to_string({.name = "a",
                         .value = "b",
                         .path = "/x",
                         .domain = "example.com",
                         .max_age = std::chrono::hours(1),
                         .http_only = false,
                         .secure = true,
                         .same_site = same_site::strict}),
              "a=b; Path=/x; Domain=example.com; Max-Age=3600; Secure; SameSite=Strict");
}

TEST(cookie, gets_secure_where_a_browser_would_ignore_it_without) {
    EXPECT_EQ(to_string({.name = "a", .same_site = same_site::none}),
              "a=; Path=/; HttpOnly; Secure; SameSite=None");
    EXPECT_EQ(to_string({.name = "__Host-a"}), "__Host-a=; Path=/; HttpOnly; Secure; SameSite=Lax");
    EXPECT_EQ(to_string({.name = "__Secure-a", .path = "/x"}),
              "__Secure-a=; Path=/x; HttpOnly; Secure; SameSite=Lax");
    EXPECT_EQ(to_string({.name = "a", .partitioned = true}),
              "a=; Path=/; HttpOnly; Secure; SameSite=Lax; Partitioned");
}

TEST(cookie, sec_h7_that_could_break_the_line_is_not_written) {
    EXPECT_EQ(to_string({.name = "a b"}), "");
    EXPECT_EQ(to_string({.name = ""}), "");
    EXPECT_EQ(to_string({.name = "a\r\nX: y"}), "");
    EXPECT_EQ(to_string({.name = "a", .path = "/; Domain=evil.com"}), "");
    EXPECT_EQ(to_string({.name = "a", .domain = "x\r\nSet-Cookie: b"}), "");
    EXPECT_EQ(to_string({.name = "__Host-a", .path = "/x"}), "");
    EXPECT_EQ(to_string({.name = "__Host-a", .domain = "example.com"}), "");
    http_world world;
    ASSERT_TRUE(world.routes.get("/", [](const request&) {
        return response(204)
            .set_cookie({.name = "a", .value = "1; Path=/x\r\nX: y"})
            .set_cookie({.name = "b c"});
    }));
    const std::string reply = world.ask(get("/"));
    EXPECT_TRUE(has(reply,
                    "Set-Cookie: a=1%3B%20Path=/x%0D%0AX:%20y; Path=/; HttpOnly; "
                    "SameSite=Lax\r\n"))
        << reply;
    EXPECT_FALSE(has(reply, "b c"));
}

TEST(cookie, comes_back_as_it_was) {
    std::string every;
    for (int c = 0; c < 256; ++c) every += static_cast<char>(c);
    const std::string line = to_string({.name = "a", .value = every});
    EXPECT_EQ(cookie_value(line.substr(0, line.find(';')), "a"), every);
}

TEST(cookie, is_found_among_others) {
    const std::string_view header = "x=1; ab=2;a=3 ; b=\"4\"; a=5; =6; c; d=%zz; e=%2; f=%";
    EXPECT_EQ(cookie_value(header, "a"), "3");
    EXPECT_EQ(cookie_value(header, "ab"), "2");
    EXPECT_EQ(cookie_value(header, "b"), "4");
    EXPECT_EQ(cookie_value(header, "c"), std::nullopt);
    EXPECT_EQ(cookie_value(header, "A"), std::nullopt) << "names have case";
    for (const auto* broken : {"d", "e", "f", "nowhere"}) {
        EXPECT_EQ(cookie_value(header, broken), std::nullopt) << broken;
    }
    EXPECT_EQ(cookie_value("", "a"), std::nullopt);
}

TEST(cookie, of_a_request) {
    http_world world;
    ASSERT_TRUE(world.routes.get("/", [](const request& r) {
        return response::text(200, r.cookie("a").value_or("-") + r.cookie("b").value_or("-") +
                                       r.cookie("c").value_or("-"));
    }));
    EXPECT_EQ(body_of(world.ask(get("/", "Cookie: a=1; x=2\r\nCookie: b=%20\r\n"))), "1 -");
}

}  // namespace
}  // namespace weft::http
