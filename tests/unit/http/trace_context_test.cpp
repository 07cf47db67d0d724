// The header that says which trace a request belongs to.

#include <gtest/gtest.h>

#include <weft/http/trace_context.hpp>

#include "http_world.hpp"

namespace weft::http::test {
namespace {

constexpr std::string_view good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

TEST(trace_context, has_the_parts_of_its_header) {
    const auto found = trace_context::parse(good);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->trace_id, "4bf92f3577b34da6a3ce929d0e0e4736");
    EXPECT_EQ(found->parent_id, "00f067aa0ba902b7");
    EXPECT_TRUE(found->sampled);
    EXPECT_EQ(found->to_header("1111111111111111"),
              "00-4bf92f3577b34da6a3ce929d0e0e4736-1111111111111111-01");
    EXPECT_FALSE(trace_context::parse(std::string(good.substr(0, 53)) + "fe")->sampled);
    EXPECT_TRUE(trace_context::parse(std::string(good.substr(0, 53)) + "0b")->sampled);
    EXPECT_TRUE(trace_context::parse("cc" + std::string(good.substr(2))));
}

TEST(trace_context, is_ignored_when_malformed) {
    for (const std::string_view wrong :
         {"", "00", "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
          "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
          "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
          "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
          "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x",
          "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",
          "0g-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
          "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
          "00-4bf92f3577b34da6a3ce929d0e0e473-600f067aa0ba902b7-01",
          "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b70-1"})
        EXPECT_FALSE(trace_context::parse(wrong)) << wrong;
    // Any single wrong byte.
    for (std::size_t at = 0; at < good.size(); ++at) {
        std::string text(good);
        text[at] = ' ';
        EXPECT_FALSE(trace_context::parse(text)) << text;
    }
}

TEST(trace_context, comes_with_a_request_and_with_a_handshake) {
    testing::http_world w;
    std::vector<std::string> seen;
    const auto note = [&](const std::optional<trace_context>& found) {
        seen.emplace_back(found ? found->trace_id : "none");
    };
    (void)w.routes.get("/", [&](const request& asked) {
        note(asked.trace());
        note(handshake(asked).trace());
        return response(204);
    });
    const std::string line = "traceparent: " + std::string(good) + "\r\n";
    const std::string get = "GET / HTTP/1.1\r\nHost: h\r\n";
    (void)w.ask(get + "\r\n");
    (void)w.ask(get + line + "\r\n");
    (void)w.ask(get + "TraceParent: 00-zz\r\n\r\n");
    (void)w.ask(get + line + line + "\r\n");
    const std::string id(good.substr(3, 32));
    EXPECT_EQ(seen,
              (std::vector<std::string>{"none", "none", id, id, "none", "none", "none", "none"}));
}

}  // namespace
}  // namespace weft::http::test
