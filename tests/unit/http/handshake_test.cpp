// The copy of a request that outlives it.

#include <weft/http/handshake.hpp>

#include <gtest/gtest.h>

#include <string>

#include "http_world.hpp"

namespace weft::http {
namespace {

using namespace testing;

struct handshake_world : http_world {
    explicit handshake_world(std::string_view pattern) {
        EXPECT_TRUE(routes.get(pattern, [this](const request& r) {
            kept = handshake(r);
            return response(200);
        }));
    }
    ~handshake_world() { shut_down(); }
    handshake kept;
};

TEST(handshake, outlives_its_request_with_all_that_was_asked) {
    handshake_world world("/room/:name/*rest");
    EXPECT_TRUE(
        has(world.ask(get("/room/caf%C3%A9/a/b?x=1&y=no&y=%20z", "X-A: 1\r\nx-a: 2\r\nX-B:\r\n")),
            "200 OK"));
    const handshake h = world.kept;
    world.kept = handshake();
    EXPECT_EQ(h.url(), "/room/caf%C3%A9/a/b?x=1&y=no&y=%20z");
    EXPECT_EQ(h.path(), "/room/caf\xC3\xA9/a/b");
    EXPECT_EQ(h.query(), "x=1&y=no&y=%20z");
    EXPECT_EQ(h.query_value("y"), " z");
    EXPECT_EQ(h.query_value("z"), std::nullopt);
    EXPECT_EQ(h.param("name"), "caf\xC3\xA9");
    EXPECT_EQ(h.param("rest"), "a/b");
    EXPECT_EQ(h.param("other"), "");
    EXPECT_EQ(h.header("X-A"), "1");
    EXPECT_EQ(h.header("x-b"), "");
    EXPECT_EQ(h.address(), "127.0.0.1");
    EXPECT_FALSE(h.secure());
    std::string lines;
    h.each_header([&](std::string_view name, std::string_view value) {
        lines.append(name).append("=").append(value).append(" ");
    });
    EXPECT_EQ(lines, "Host=x X-A=1 x-a=2 X-B= ");
}

TEST(handshake, has_no_second_copy_of_a_plain_path) {
    handshake_world world("/*all");
    EXPECT_TRUE(has(world.ask(get("/plain")), "200 OK"));
    const std::size_t plain = world.kept.memory();
    EXPECT_EQ(world.kept.path(), "/plain");
    EXPECT_EQ(world.kept.query(), "");
    EXPECT_TRUE(has(world.ask("GET http://x/plain?q=1 HTTP/1.1\r\nHost: x\r\n\r\n"), "200 OK"));
    EXPECT_EQ(world.kept.path(), "/plain");
    EXPECT_EQ(world.kept.query_value("q"), "1");
    EXPECT_EQ(world.kept.memory(), plain + std::string_view("http://x?q=1/plain").size());
}

TEST(handshake, of_nothing_is_empty) {
    const handshake none;
    const handshake copy = none;
    EXPECT_FALSE(copy);
    EXPECT_EQ(copy.url(), "");
    EXPECT_EQ(copy.path(), "");
    EXPECT_EQ(copy.header("host"), "");
    EXPECT_EQ(copy.address(), "");
    EXPECT_EQ(copy.memory(), 0U);
}

}  // namespace
}  // namespace weft::http
