#include <gtest/gtest.h>

#include "ws/proto/origin_policy.hpp"

namespace weft::ws {
namespace {

origin_policy policy(origin_policy::options chosen) {
    auto made = origin_policy::make(std::move(chosen));
    EXPECT_TRUE(made);
    return made ? *made : origin_policy{};
}

origin_facts from(std::string_view origin) {
    return {origin, 1, "app.example:8080", true, true};
}

TEST(origin_policy, sec_b1_table_of_origins) {
    const origin_policy listed =
        policy({{"https://good.com", "http://dev.local:3000", "https://[2001:db8::1]:8443",
                 "https://xn--bcher-kva.example", "capacitor://localhost"},
                true,
                false,
                false});
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
        {"http://good.com", false},
        {"https://good.com:80", false},
        {"https://good.com:8443", false},
        {"https://good.com:", false},
        {"https://good.com:0443", false},
        {"https://good.com:65979", false},  // 443 modulo 2^16
        {"https://good.com:443:443", false},
        {"https://good.com:+443", false},
        {"https://good.com.", false},
        {"https://good.com/", false},
        {"https://good.com?x", false},
        {"https://good.com#x", false},
        {"https://good.com.evil.io", false},
        {"https://evil-good.com", false},
        {"https://sub.good.com", false},
        {"https://good.co", false},
        {"https://good.com@evil.io", false},
        {"https://user@good.com", false},
        {"https://good.com%2eevil.io", false},
        {"https://good.com\\@evil.io", false},
        {"https://bücher.example", false},
        {"https://xn--bcher-kva.example.evil.io", false},
        {"https://[2001:db8::1]", false},
        {"https://[2001:db8::2]:8443", false},
        {"https://[2001:db8::1]x:8443", false},
        {"http://dev.local", false},
        {"http://app.example:8080", false},
        {"https://app.example", false},
        {"https://app.example:8081", false},
        {"wss://good.com", false},
        {"https:good.com", false},
        {"https://", false},
        {"//good.com", false},
        {"good.com", false},
        {"file://", false},
        {"null", false},
        {"NULL", false},
        {"", false},
        {" https://good.com", false},
        {"https://good.com https://evil.io", false},
        {"https://good.com, https://good.com", false},
        {"capacitor://localhost:80", false},
        {"ionic://localhost", false},
    };
    static_assert(std::size(rows) >= 40);
    for (const row& r : rows) EXPECT_EQ(listed.allows(from(r.origin)), r.allowed) << r.origin;
}

TEST(origin_policy, sec_b1_the_default_is_the_same_origin_only) {
    const origin_policy by_default;
    EXPECT_TRUE(by_default.allows({"https://a.example", 1, "a.example", true, true}));
    EXPECT_TRUE(by_default.allows({"http://localhost:8080", 1, "localhost:8080", false, false}));
    EXPECT_FALSE(by_default.allows({"http://localhost:8080", 1, "localhost:8080", true, false}));
    EXPECT_FALSE(by_default.allows({"https://b.example", 1, "a.example", true, false}));
    EXPECT_FALSE(by_default.allows({"https://a.example", 1, "", true, false}));
    EXPECT_FALSE(by_default.allows({"https://a.example", 1, "a.example:", true, false}));
}

TEST(origin_policy, sec_b1_two_origins_are_refused) {
    origin_facts facts = from("https://app.example:8080");
    EXPECT_TRUE(origin_policy{}.allows(facts));
    facts.origin_count = 2;
    EXPECT_FALSE(origin_policy{}.allows(facts));
}

TEST(origin_policy, sec_b1_without_origin_a_cookie_is_refused) {
    const origin_facts program{{}, 0, "app.example", true, false};
    const origin_facts with_cookie{{}, 0, "app.example", true, true};
    EXPECT_TRUE(origin_policy{}.allows(program));
    EXPECT_FALSE(origin_policy{}.allows(with_cookie));
    EXPECT_TRUE(policy({{}, true, false, true}).allows(with_cookie));
}

TEST(origin_policy, sec_b1_null_only_when_listed) {
    EXPECT_TRUE(policy({{"null"}, true, false, false}).allows(from("null")));
    EXPECT_FALSE(policy({{"https://good.com"}, true, false, false}).allows(from("null")));
}

TEST(origin_policy, can_be_opted_out_of_and_same_origin_switched_off) {
    EXPECT_TRUE(policy({{}, true, true, false}).allows(from("https://evil.io")));
    EXPECT_FALSE(policy({{}, false, false, false}).allows(from("https://app.example:8080")));
}

TEST(origin_policy, refuses_options_that_are_no_origins) {
    for (const char* entry : {"good.com", "https://good.com/", "*", "https://*.good.com", ""}) {
        EXPECT_FALSE(origin_policy::make({{entry}, true, false, false})) << entry;
    }
}

}  // namespace
}  // namespace weft::ws
