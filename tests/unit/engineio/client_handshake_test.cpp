// The open packet as a client reads it, the queries it writes, and its cookies.

#include "engineio/proto/client_handshake.hpp"

#include <gtest/gtest.h>

#include "engineio/client_cookies.hpp"
#include "http/proto/head_parser.hpp"

namespace weft::engineio {
namespace {

TEST(client_handshake, reads_the_open_packet) {
    const auto open = read_open(
        R"({"sid":"a-b_c","upgrades":["x","websocket"],"pingInterval":25000,"more":{"y":[1]},)"
        R"("pingTimeout":20000,"maxPayload":1000000})");
    ASSERT_TRUE(open);
    EXPECT_EQ(open->sid, "a-b_c");
    EXPECT_TRUE(open->upgrades_to_websocket);
    EXPECT_EQ(open->ping_interval, 25'000U);
    EXPECT_EQ(open->ping_timeout, 20'000U);
    EXPECT_EQ(open->max_payload, 1'000'000U);
}

TEST(client_handshake, refuses_what_is_no_open_packet) {
    for (const char* bad :
         {"", "{}", "[]", R"({"sid":1})", R"({"sid":""})", R"({"sid":"a")",
          R"({"sid":"a","upgrades":[1]})", R"({"sid":"a","pingInterval":-1})", R"({"sid":"a"}x)"}) {
        EXPECT_FALSE(read_open(bad)) << bad;
    }
    EXPECT_FALSE(read_open("{\"sid\":\"" + std::string(300, 'a') + "\"}"));
}

TEST(client_handshake, times_beyond_reason_are_cut) {
    const auto open = read_open(R"({"sid":"a","pingInterval":18446744073709551615})");
    ASSERT_TRUE(open);
    EXPECT_EQ(open->ping_interval, 86'400'000U);
}

TEST(client_handshake, queries_are_escaped) {
    std::string target = "/socket.io/";
    append_query(target, "EIO", "4");
    append_query(target, "a b", "1&2=3\xC3\xA9");
    EXPECT_EQ(target, "/socket.io/?EIO=4&a%20b=1%262%3D3%C3%A9");
}

TEST(cookie_jar, keeps_replaces_and_forgets) {
    cookie_jar jar;
    const auto take = [&](const std::string& lines) {
        const std::string text = "HTTP/1.1 200 OK\r\n" + lines + "\r\n";
        http::head_parser parser(http::head_kind::response);
        ASSERT_EQ(parser.parse(text), http::parse_status::complete);
        jar.take(parser.head(), 1'000'000'000);
    };
    take("Set-Cookie: a=1; Path=/; HttpOnly\r\nSet-Cookie:  b = two \r\n");
    EXPECT_EQ(jar.header(), "a=1; b=two");
    take("Set-Cookie: a=3\r\nSet-Cookie: =x\r\nSet-Cookie: none\r\n");
    EXPECT_EQ(jar.header(), "a=3; b=two");
    take("Set-Cookie: a=; Max-Age=0\r\n");
    EXPECT_EQ(jar.header(), "b=two");
    take("Set-Cookie: b=; Expires=Thu, 01 Jan 1970 00:00:00 GMT\r\n");
    EXPECT_EQ(jar.header(), "");
    take("Set-Cookie: c=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT\r\n");
    EXPECT_EQ(jar.header(), "c=1");
}

TEST(cookie_jar, is_bounded) {
    cookie_jar jar;
    for (int i = 0; i < 100; ++i) {
        const std::string text =
            "HTTP/1.1 200 OK\r\nSet-Cookie: c" + std::to_string(i) + "=1\r\n\r\n";
        http::head_parser parser(http::head_kind::response);
        ASSERT_EQ(parser.parse(text), http::parse_status::complete);
        jar.take(parser.head(), 0);
    }
    EXPECT_LT(jar.header().size(), 300U);
}

}  // namespace
}  // namespace weft::engineio
