#include <gtest/gtest.h>

#include "ws/proto/origin_policy.hpp"

namespace weft::ws {
namespace {

origin_facts from(std::string_view origin) {
    return {.origin = origin, .origin_count = 1, .host = "app.example:8080", .secure = true};
}

TEST(origin_policy, sec_b1_table_of_origins) {
    const origin_policy listed(
        {.allowed = {"https://good.com", "http://dev.local:3000", "https://[2001:db8::1]:8443",
                     "https://xn--bcher-kva.example", "capacitor://localhost", "wss://other.com",
                     "http://odd.example:0080"}});
    struct row {
        std::string_view origin;
        bool allowed;
    };
    const row rows[] = {
        {"https://good.com", true},
        {"https://good.com:443", true},
        {"HTTPS://GOOD.COM", true},
        {"http://dev.local:3000", true},
        {"https://[2001:db8::1]:8443", true},
        {"https://xn--bcher-kva.example", true},
        {"capacitor://localhost", true},
        {"https://app.example:8080", true},  // the request's own Host
        {"https://APP.example:8080", true},
        {"https://other.com", true},        // listed as wss
        {"http://odd.example:0080", true},  // to the letter
        {"http://good.com", false},
        {"https://good.com:80", false},
        {"https://good.com:8443", false},
        {"https://good.com:", false},
        {"https://good.com:0443", false},
        {"https://good.com:65979", false},  // 443 modulo 2^16
        {"https://good.com:443:443", false},
        {"https://good.com:+443", false},
        {"https://good.com.", false},
        {"https://good.com.evil.io", false},
        {"https://evil-good.com", false},
        {"https://sub.good.com", false},
        {"https://good.co", false},
        {"https://good.com%2eevil.io", false},
        {"https://bücher.example", false},
        {"https://xn--bcher-kva.example.evil.io", false},
        {"https://[2001:db8::1]", false},
        {"https://[2001:db8::2]:8443", false},
        {"https://[2001:db8::1]x:8443", false},
        {"http://dev.local", false},
        {"http://app.example:8080", false},
        {"https://app.example", false},
        {"https://app.example:8081", false},
        {"null", false},
        {"NULL", false},
        {" https://good.com", false},
        {"https://good.com https://evil.io", false},
        {"https://good.com, https://good.com", false},
        {"capacitor://localhost:80", false},
        {"ionic://localhost", false},
        {"https://good.com,https://good.com", false},
        {"http://other.com", false},
        {"chrome-extension://abcdef", false},
        {"http://odd.example:080", false},
        {"https://a!b.example", false},
    };
    static_assert(std::size(rows) >= 40);
    for (const row& r : rows) EXPECT_EQ(listed.allows(from(r.origin)), r.allowed) << r.origin;
}

// What programs send, and pages cannot: Starscream and IXWebSocket (ws, wss), the example of Go's
// x/net/websocket (a slash), microcontrollers and packaged apps (file), and anything a user types.
TEST(origin_policy, what_no_browser_makes_of_a_page_is_a_program) {
    for (const char* origin :
         {"ws://app.example:8080", "wss://app.example:8080", "wss://elsewhere.example",
          "http://localhost/", "https://good.com/", "https://good.com?x", "https://good.com#x",
          "https://user@good.com", "file://", "file:///home/me/page.html", "https://", "//good.com",
          "good.com", "https:good.com", "arduino", ""}) {
        EXPECT_TRUE(origin_policy{}.allows(from(origin))) << origin;
    }
}

TEST(origin_policy, sec_b1_the_default_is_the_same_origin_only) {
    const origin_policy by_default;
    const auto allows = [&](std::string_view origin, std::string_view host, bool secure) {
        return by_default.allows(
            {.origin = origin, .origin_count = 1, .host = host, .secure = secure});
    };
    EXPECT_TRUE(allows("https://a.example", "a.example", true));
    EXPECT_TRUE(allows("http://localhost:8080", "localhost:8080", false));
    EXPECT_FALSE(allows("http://localhost:8080", "localhost:8080", true));
    EXPECT_FALSE(allows("https://b.example", "a.example", true));
    EXPECT_FALSE(allows("https://a.example", "", true));
    EXPECT_FALSE(allows("https://a.example", "a.example:", true));
}

// A proxy ends TLS: the page has https, and we see http, a port of our own or none.
TEST(origin_policy, sec_b1_behind_a_proxy_that_ends_tls) {
    const origin_policy by_default;
    const auto allows = [&](std::string_view origin, std::string_view host) {
        return by_default.allows({.origin = origin, .origin_count = 1, .host = host});
    };
    EXPECT_TRUE(allows("https://a.example", "a.example"));
    EXPECT_TRUE(allows("https://a.example:8443", "A.example"));
    EXPECT_TRUE(allows("https://a.example", "a.example:3000"));
    EXPECT_FALSE(allows("https://b.example", "a.example"));
    EXPECT_FALSE(allows("https://a.example.evil.io", "a.example"));
    EXPECT_FALSE(allows("http://a.example:8080", "a.example")) << "without TLS the port counts";
    EXPECT_FALSE(allows("https://a.example", ""));
}

TEST(origin_policy, sec_b1_what_the_browser_calls_the_same_origin) {
    const auto allows = [](std::string_view origin, std::string_view site) {
        return origin_policy{}.allows(
            {.origin = origin, .origin_count = 1, .host = "inner:3000", .fetch_site = site});
    };
    EXPECT_TRUE(allows("http://localhost:8080", "same-origin"));
    EXPECT_FALSE(allows("http://localhost:8080", "same-site"));
    EXPECT_FALSE(allows("http://localhost:8080", "cross-site"));
    EXPECT_FALSE(allows("http://localhost:8080", "none"));
    EXPECT_FALSE(allows("http://localhost:8080", ""));
    EXPECT_FALSE(allows("null", "same-origin"));
}

TEST(origin_policy, sec_b1_two_origins_are_refused) {
    origin_facts facts = from("https://app.example:8080");
    EXPECT_TRUE(origin_policy{}.allows(facts));
    facts.origin_count = 2;
    EXPECT_FALSE(origin_policy{}.allows(facts));
}

// RFC 6455 section 4.1: a browser sends it with every WebSocket.
TEST(origin_policy, without_origin_it_is_no_page) {
    EXPECT_TRUE(origin_policy{}.allows({.host = "app.example", .secure = true}));
}

TEST(origin_policy, sec_b1_null_only_when_listed) {
    EXPECT_TRUE(origin_policy({.allowed = {"null"}}).allows(from("null")));
    EXPECT_FALSE(origin_policy({.allowed = {"https://good.com"}}).allows(from("null")));
}

TEST(origin_policy, can_be_opted_out_of_and_same_origin_switched_off) {
    EXPECT_TRUE(origin_policy({.any = true}).allows(from("https://evil.io")));
    EXPECT_FALSE(origin_policy({.same_origin = false}).allows(from("https://app.example:8080")));
}

TEST(origin_policy, sec_b1_public_origins_are_our_own) {
    const std::vector<std::string> own{"https://example.org", "http://localhost:8081"};
    const auto allowed = [&](std::string_view origin, const origin_policy& policy = {}) {
        origin_facts facts = from(origin);
        facts.public_origins = own;
        return policy.allows(facts);
    };
    EXPECT_TRUE(allowed("https://example.org"));
    EXPECT_TRUE(allowed("https://EXAMPLE.org:443"));
    EXPECT_TRUE(allowed("http://localhost:8081"));
    EXPECT_FALSE(allowed("http://example.org"));
    EXPECT_FALSE(allowed("http://localhost"));
    EXPECT_FALSE(allowed("https://example.org.evil.io"));
    EXPECT_FALSE(allowed("https://example.org", origin_policy({.same_origin = false})));
}

// `proxy_set_header Host $host` of nginx drops the public port.
TEST(origin_policy, sec_b1_behind_a_trusted_proxy_an_https_page_may_have_another_port) {
    origin_facts facts = from("https://app.example:8443");
    facts.host = "app.example";
    EXPECT_FALSE(origin_policy().allows(facts)) << "TLS ends here: we know the port";
    facts.by_proxy = true;
    EXPECT_TRUE(origin_policy().allows(facts));
    facts.origin = "https://other.example:8443";
    EXPECT_FALSE(origin_policy().allows(facts));
    facts.origin = "http://app.example:8443";
    EXPECT_FALSE(origin_policy().allows(facts));
}

}  // namespace
}  // namespace weft::ws
