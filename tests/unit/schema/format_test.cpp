// The formats, at their edges. The official suite has the plain cases.

#include <string_view>

#include <gtest/gtest.h>

#include "schema/formats.hpp"
#include "schema/references.hpp"

namespace weft::json_schema {
namespace {

void expect(format what, std::initializer_list<std::string_view> good,
            std::initializer_list<std::string_view> bad) {
    for (const auto text : good) EXPECT_TRUE(has_format(what, text)) << text;
    for (const auto text : bad) EXPECT_FALSE(has_format(what, text)) << text;
}

TEST(schema_format, date) {
    expect(format::date, {"2024-02-29", "2000-02-29", "0000-01-01", "2026-12-31"},
           {"2023-02-29", "1900-02-29", "2026-13-01", "2026-00-01", "2026-01-00", "2026-04-31",
            "26-01-01", "2026-1-01", "2026-01-01 ", "", "2026-01-01T",
            "\xD9\xA3"
            "026-01-01"});
}

TEST(schema_format, time) {
    expect(format::time,
           {"00:00:00Z", "23:59:59.123456789z", "12:00:00+00:00", "23:59:60Z", "00:59:60+01:00",
            "15:59:60-08:00"},
           {"24:00:00Z", "12:60:00Z", "12:00:61Z", "22:59:60Z", "23:59:60+01:00", "12:00:00",
            "12:00:00.Z", "12:00:00+24:00", "12:00:00+01:60", "12:00:00+1:00", "12:00Z",
            "12:00:00ZZ", ""});
}

TEST(schema_format, date_time) {
    expect(format::date_time,
           {"2026-11-29T23:12:33Z", "1998-12-31T23:59:60Z", "2026-11-29t23:12:33.1+05:30"},
           {"2026-11-29 23:12:33Z", "2026-11-29T23:12:33", "2026-11-29", "2026-11-29TT23:12:33Z",
            "2026-11-31T23:12:33Z", ""});
}

TEST(schema_format, email) {
    expect(format::email,
           {"a@b", "joe.bloggs@example.com", "te~st@example.com", "\"joe bloggs\"@example.com",
            "\"a@b\"@example.com", "a@[127.0.0.1]", "a@[IPv6:::1]", "x+y@sub-domain.example"},
           {"2962", "@b", "a@", ".a@b", "a.@b", "a..b@c", "a b@c", "a@-b", "a@b-", "a@b..c", "a@b.",
            "a@[127.0.0.256]", "a@[IPv6:12345::]", "a@b c", "a@b\n", "\"a@b", "\"a\"b@c", "a@b@c@",
            ""});
    EXPECT_FALSE(has_format(format::email, std::string(65, 'a') + "@b"));
    EXPECT_FALSE(has_format(format::email, "a@" + std::string(64, 'b')));
}

TEST(schema_format, uri) {
    expect(format::uri,
           {"a:", "http://example.org", "http://u:p@h:80/p;x=1?q=/?#f/?", "http://[::1]:8/",
            "http://[v1.a:b]/", "urn:a:b", "file:///x", "mailto:a@b", "a+b-c.d:x", "http://h:/",
            "data:,x%20y", "http://"},
           {"",
            ":",
            "1a:b",
            "a",
            "//a/b",
            "a:b c",
            "a:%",
            "a:%2",
            "a:%2g",
            "a:b#c#d",
            "http://h:x/",
            "http://[::1/",
            "http://[1]/",
            "http://[v.a]/",
            "http://a[::1]/",
            "a:<b>",
            "a:\"",
            "a:\\b",
            "a:\xC3\xA9",
            "a:b\n",
            "a:^",
            "http://u@h@x/",
            "a:[b]"});
}

TEST(schema_format, uuid) {
    expect(format::uuid,
           {"00000000-0000-0000-0000-000000000000", "7F1C2b9a-3d54-4c8e-9a61-2f6d0e8b7c13"},
           {"", "7f1c2b9a-3d54-4c8e-9a61-2f6d0e8b7c1", "7f1c2b9a-3d54-4c8e-9a61-2f6d0e8b7c1g",
            "7f1c2b9a03d54-4c8e-9a61-2f6d0e8b7c13", "{7f1c2b9a-3d54-4c8e-9a61-2f6d0e8b7c1}"});
}

TEST(schema_format, ipv4) {
    expect(format::ipv4, {"0.0.0.0", "255.255.255.255", "127.0.0.1"},
           {"", "1.2.3", "1.2.3.4.5", "256.0.0.1", "01.2.3.4", "1.2.3.4 ", "1..2.3", "0x7f.0.0.1",
            "1.2.3.", "1.2.3.0000"});
}

TEST(schema_format, ipv6) {
    expect(format::ipv6,
           {"::", "::1", "1::", "1:2:3:4:5:6:7:8", "::ffff:1.2.3.4", "1:2:3:4:5:6:1.2.3.4",
            "1:2:3:4:5:6:7::", "fe80::A:b"},
           {"", ":", ":::", "1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "12345::", "::g",
            "1:2:3:4:5:6:7:8::", "1:2:3:4:5:6:7:1.2.3.4", "::1.2.3", "::1.2.3.4:1", "fe80::1%eth0",
            "1:", ":1", "::1 "});
}

TEST(schema_format, names_are_known) {
    EXPECT_EQ(find_format("date-time"), format::date_time);
    EXPECT_EQ(find_format("hostname"), std::nullopt);
    EXPECT_EQ(find_format(""), std::nullopt);
}

// RFC 3986 section 5.4.
TEST(schema_reference, uris_are_resolved_as_the_rfc_shows) {
    constexpr auto base = "http://a/b/c/d;p?q";
    const std::pair<std::string_view, std::string_view> cases[] = {
        {"g:h", "g:h"},
        {"g", "http://a/b/c/g"},
        {"./g", "http://a/b/c/g"},
        {"g/", "http://a/b/c/g/"},
        {"/g", "http://a/g"},
        {"//g", "http://g"},
        {"?y", "http://a/b/c/d;p?y"},
        {"g?y", "http://a/b/c/g?y"},
        {"#s", "http://a/b/c/d;p?q#s"},
        {"g#s", "http://a/b/c/g#s"},
        {"", "http://a/b/c/d;p?q"},
        {".", "http://a/b/c/"},
        {"./", "http://a/b/c/"},
        {"..", "http://a/b/"},
        {"../g", "http://a/b/g"},
        {"../..", "http://a/"},
        {"../../g", "http://a/g"},
        {"../../../g", "http://a/g"},
        {"/./g", "http://a/g"},
        {"/../g", "http://a/g"},
        {"g.", "http://a/b/c/g."},
        {"..g", "http://a/b/c/..g"},
        {"./g/.", "http://a/b/c/g/"},
        {"g/./h", "http://a/b/c/g/h"},
        {"g/../h", "http://a/b/c/h"},
        {"g;x=1/../y", "http://a/b/c/y"},
        {"g?y/../x", "http://a/b/c/g?y/../x"},
        {"#", "http://a/b/c/d;p?q"}};
    for (const auto& [reference, resolved] : cases)
        EXPECT_EQ(resolve_uri(base, reference), resolved) << reference;
    EXPECT_EQ(resolve_uri("http://a", "g"), "http://a/g");
    EXPECT_EQ(resolve_uri("", "#x"), "#x");
}

}  // namespace
}  // namespace weft::json_schema
