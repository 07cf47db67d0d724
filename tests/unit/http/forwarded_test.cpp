// What proxies say in headers: which address is the client's, and what is not believed.

#include <gtest/gtest.h>

#include "http/proto/forwarded.hpp"
#include "http/proto/head_parser.hpp"

namespace weft::http {
namespace {

/// Addresses are four numbers or have a ':'; those of 10/8 are trusted.
hop judge(std::string_view address) {
    if (address.find_first_not_of("0123456789abcdefABCDEF.:") != address.npos) return hop::unknown;
    if (address.find_first_of(".:") == address.npos) return hop::unknown;
    return address.starts_with("10.") ? hop::trusted : hop::client;
}

/// "address scheme host", with "-" for what they do not say.
std::string told(const std::string& lines) {
    const std::string bytes = "GET / HTTP/1.1\r\nHost: x\r\n" + lines + "\r\n";
    head_parser parser(head_kind::request);
    EXPECT_EQ(parser.parse(bytes), parse_status::complete) << lines;
    const forwarded_facts facts =
        read_forwarded(parser.head(), [](std::string_view a) { return judge(a); });
    const auto text = [](std::string_view fact) { return std::string(fact.empty() ? "-" : fact); };
    return text(facts.address) + " " + text(facts.scheme) + " " + text(facts.host);
}
std::string client_by_x(const std::string& list) {
    const std::string all = told("X-Forwarded-For: " + list + "\r\n");
    return all.substr(0, all.find(' '));
}
std::string by_standard(const std::string& value) {
    return told("Forwarded: " + value + "\r\n");
}

TEST(forwarded, sec_h10_the_client_is_the_first_from_the_right_that_is_not_trusted) {
    EXPECT_EQ(client_by_x("192.0.2.7"), "192.0.2.7");
    EXPECT_EQ(client_by_x("192.0.2.7, 10.0.0.1, 10.0.0.2"), "192.0.2.7");
    EXPECT_EQ(client_by_x("1.1.1.1, 192.0.2.7, 10.0.0.1"), "192.0.2.7") << "the left is invented";
    EXPECT_EQ(client_by_x("1.1.1.1, 192.0.2.7"), "192.0.2.7");
    EXPECT_EQ(client_by_x("10.0.0.3, 10.0.0.2"), "10.0.0.3") << "a client inside";
    EXPECT_EQ(client_by_x("192.0.2.7, unknown, 10.0.0.2"), "10.0.0.2") << "nothing passes unknown";
    EXPECT_EQ(client_by_x("192.0.2.7, unknown"), "-");
    EXPECT_EQ(client_by_x("192.0.2.7, _hidden"), "-");
    EXPECT_EQ(client_by_x("unknown, 192.0.2.7"), "192.0.2.7");
    EXPECT_EQ(told(""), "- - -");
}

TEST(forwarded, addresses_come_with_ports_and_brackets) {
    EXPECT_EQ(client_by_x("192.0.2.7:4711"), "192.0.2.7");
    EXPECT_EQ(client_by_x("2001:db8::1"), "2001:db8::1");
    EXPECT_EQ(client_by_x("[2001:db8::1]"), "2001:db8::1");
    EXPECT_EQ(client_by_x("[2001:DB8::1]:4711"), "2001:DB8::1");
    EXPECT_EQ(client_by_x("[2001:db8::1]:_port"), "2001:db8::1");
    for (const char* bad : {"[2001:db8::1", "[2001:db8::1]4711", "2001:db8::1]", "[]", ":",
                            "\"192.0.2.7\"", "192.0.2.7 ; x", "fe80::1%eth0", "192 .0.2.7"})
        EXPECT_EQ(client_by_x(bad), "-") << bad;
}

TEST(forwarded, several_lines_and_empty_elements_are_one_list) {
    EXPECT_EQ(told("X-Forwarded-For: 192.0.2.7\r\nx-forwarded-for: 10.0.0.1\r\n"), "192.0.2.7 - -");
    EXPECT_EQ(told("X-Forwarded-For: 10.0.0.1\r\nX-FORWARDED-FOR: 192.0.2.7\r\n"), "192.0.2.7 - -");
    EXPECT_EQ(client_by_x(" , 192.0.2.7 ,, 10.0.0.1\t, "), "192.0.2.7");
    EXPECT_EQ(client_by_x(","), "-");
    EXPECT_EQ(client_by_x(""), "-");
    EXPECT_EQ(told("Forwarded: for=192.0.2.7\r\nforwarded: ,, for=10.0.0.1,\r\n"), "192.0.2.7 - -");
}

TEST(forwarded, looks_at_so_many_hops_only) {
    std::string list = "192.0.2.7";
    for (std::size_t i = 1; i < max_hops; ++i) list += ", 10.0.0." + std::to_string(i);
    EXPECT_EQ(client_by_x(list), "192.0.2.7");
    EXPECT_EQ(client_by_x(list + ", 10.0.0.99"), "10.0.0.1");
    std::string many;
    while (many.size() < 8000) many += "a,";
    EXPECT_EQ(client_by_x(many + "192.0.2.7"), "192.0.2.7");
}

TEST(forwarded, scheme_and_host_are_those_that_the_client_used) {
    const auto with = [](const std::string& name, const std::string& value) {
        return told("X-Forwarded-For: 192.0.2.7, 10.0.0.1\r\nX-Forwarded-" + name + ": " + value +
                    "\r\n");
    };
    EXPECT_EQ(with("Proto", "https"), "192.0.2.7 https -");
    EXPECT_EQ(with("Proto", "HTTPS"), "192.0.2.7 https -");
    EXPECT_EQ(with("Proto", "wss"), "192.0.2.7 https -");
    EXPECT_EQ(with("Proto", "WS"), "192.0.2.7 http -");
    EXPECT_EQ(with("Proto", "https,http"), "192.0.2.7 https -") << "one by each proxy";
    EXPECT_EQ(with("Proto", "https, https, http"), "192.0.2.7 http -") << "one is the client's own";
    EXPECT_EQ(with("Proto", "ftp"), "192.0.2.7 - -");
    EXPECT_EQ(with("Proto", ""), "192.0.2.7 - -");
    EXPECT_EQ(with("Host", "example.org:8443"), "192.0.2.7 - example.org:8443");
    EXPECT_EQ(with("Host", "[2001:db8::1]:8443"), "192.0.2.7 - [2001:db8::1]:8443");
    EXPECT_EQ(with("Host", "example.org, inner"), "192.0.2.7 - example.org");
    EXPECT_EQ(with("Host", "a, b, c"), "192.0.2.7 - c");
    for (const char* bad : {"user@example.org", "example.org:99999", "exam/ple", "a b", "\"x\""})
        EXPECT_EQ(with("Host", bad), "192.0.2.7 - -") << bad;
    EXPECT_EQ(told("X-Forwarded-Proto: https,http\r\n"), "- http -") << "what the nearest says";
}

TEST(forwarded, the_standard_header_is_read_as_its_grammar_says) {
    EXPECT_EQ(by_standard("for=192.0.2.7;proto=https;host=example.org;by=10.0.0.1"),
              "192.0.2.7 https example.org");
    EXPECT_EQ(by_standard("For=\"[2001:db8:cafe::17]:4711\" ; PROTO=WSS"),
              "2001:db8:cafe::17 https -");
    EXPECT_EQ(by_standard("for=192.0.2.7:4711"), "192.0.2.7 - -") << "unquoted, as many send it";
    EXPECT_EQ(by_standard("for=\"192.0.2.7\";host=\"example.org:8443\", for=10.0.0.1;host=inner"),
              "192.0.2.7 - example.org:8443");
    EXPECT_EQ(by_standard("for=1.1.1.1;host=evil, for=192.0.2.7;host=good"), "192.0.2.7 - good");
    EXPECT_EQ(by_standard("for=unknown;proto=https"), "- https -");
    EXPECT_EQ(by_standard("for=192.0.2.7, for=_hidden"), "- - -");
    EXPECT_EQ(by_standard("proto=https;host=example.org"), "- https example.org");
    EXPECT_EQ(by_standard("for=\"a,b;c\", for=192.0.2.7"), "192.0.2.7 - -") << "a quoted comma";
}

// An open quote could hide what the proxy wrote behind it.
TEST(forwarded, sec_h10_a_malformed_standard_header_says_nothing) {
    for (const char* bad :
         {"for=\"1.1.1.1, for=192.0.2.7", "for=192.0.2.7;for=1.1.1.1", "for", "=192.0.2.7",
          "for=192.0.2.7 proto=https", "for=\"192.0.2.7\"x", "for=\"192\\.0.2.7\"",
          "for =192.0.2.7", "for=\"1.1.1.1\\\", for=192.0.2.7"})
        EXPECT_EQ(by_standard(bad), "- - -") << bad;
}

// A proxy sets one kind and lets the other through, as the client wrote it.
TEST(forwarded, sec_h10_where_the_two_kinds_contradict_neither_is_believed) {
    const std::string standard = "Forwarded: for=192.0.2.7;proto=https;host=example.org\r\n";
    const std::string same = "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n";
    EXPECT_EQ(told(standard + same), "192.0.2.7 https example.org");
    EXPECT_EQ(told(standard + "X-Forwarded-For: 1.1.1.1\r\n"), "- https example.org");
    EXPECT_EQ(told(standard + "X-Forwarded-For: unknown\r\n"), "- https example.org");
    EXPECT_EQ(told(standard + "X-Forwarded-Proto: http\r\nX-Forwarded-Host: evil\r\n"),
              "192.0.2.7 - -");
    EXPECT_EQ(told(same + "Forwarded: for=\"1.1.1.1\r\n"), "- - -");
}

}  // namespace
}  // namespace weft::http
