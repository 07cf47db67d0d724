#include "auth/gate.hpp"

#include <gtest/gtest.h>

namespace weft::auth {
namespace {

TEST(may_use_cookie, pages_of_the_same_host_and_those_listed) {
    token_sources from;
    from.cookie_origins = {"https://app.example.org"};
    const auto may = [&](std::string_view origin, bool secure) {
        return may_use_cookie({origin, "", "example.org", secure}, from);
    };
    EXPECT_TRUE(may("https://example.org", true));
    EXPECT_TRUE(may("https://app.example.org", true));
    EXPECT_TRUE(may("http://example.org", false));
    EXPECT_TRUE(may("https://example.org", false)) << "TLS ended at a proxy";
    EXPECT_FALSE(may("http://example.org", true)) << "anybody on the way can write that page";
    EXPECT_FALSE(may("https://example.org.evil.example", true));
    EXPECT_FALSE(may("https://evil.example", true));
    EXPECT_FALSE(may("null", true));
}

TEST(may_use_cookie, requests_without_an_origin_by_where_they_come_from) {
    const auto may = [](std::string_view site) {
        return may_use_cookie({"", site, "example.org", true}, {});
    };
    for (const std::string_view site : {"", "none", "same-origin"}) EXPECT_TRUE(may(site)) << site;
    for (const std::string_view site : {"same-site", "cross-site"}) EXPECT_FALSE(may(site)) << site;
}

}  // namespace
}  // namespace weft::auth
