// What a refused client is told, and what the operator: each limit names its option in the body, in
// the log, and counts.

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include "http_world.hpp"

namespace weft::http::testing {
namespace {

std::string get(std::string_view path, std::string_view more = {}) {
    return "GET " + std::string(path) + " HTTP/1.1\r\nHost: h\r\n" + std::string(more) + "\r\n";
}

options small() {
    options o;
    o.max_request_line = 64;
    o.max_header_line = 64;
    o.max_head = 256;
    o.max_headers = 4;
    o.max_body = 10;
    o.allowed_hosts = {"h"};
    return o;
}

struct refused_case {
    std::string_view option;
    int status;
    errc counted;
    std::string request;
    std::string_view place = {};  ///< How the line ends.
};

class HttpRefusal : public ::testing::TestWithParam<refused_case> {};

TEST_P(HttpRefusal, names_its_option_and_counts) {
    http_world world(small());
    ASSERT_TRUE(
        world.routes.post("/up", [](const request&) { return response::text(200, "got it"); }));
    const auto client = world.open("10.0.0.1");
    world.send(client, GetParam().request);
    const std::string reply = world.take(client);
    EXPECT_EQ(statuses(reply), std::vector{GetParam().status});
    EXPECT_NE(reply.find(GetParam().option), std::string::npos) << reply;
    EXPECT_EQ(world.errors(GetParam().counted), 1U);
    ASSERT_EQ(world.log.size(), 1U);
    EXPECT_NE(world.log[0].find(GetParam().option), std::string::npos) << world.log[0];
    EXPECT_NE(world.log[0].find(", from 10.0.0.1:"), std::string::npos) << world.log[0];
    EXPECT_TRUE(world.log[0].ends_with(GetParam().place)) << world.log[0];
}

INSTANTIATE_TEST_SUITE_P(
    limits, HttpRefusal,
    ::testing::Values(
        refused_case{"max_request_line", 414, errc::request_line_too_long,
                     get("/" + std::string(80, 'x'))},
        refused_case{"max_header_line", 431, errc::header_too_long,
                     get("/", "X: " + std::string(80, 'x') + "\r\n")},
        refused_case{"max_headers", 431, errc::too_many_headers,
                     get("/", "A: 1\r\nB: 1\r\nC: 1\r\nD: 1\r\n")},
        refused_case{"max_body", 413, errc::body_too_large,
                     "POST /up?token=secret HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n",
                     ", at /up"},
        refused_case{"allowed_hosts", 421, errc::misdirected,
                     "GET /up?token=secret HTTP/1.1\r\nHost: evil\r\n\r\n", ", at /up"}),
    [](const auto& tested) { return std::string(tested.param.option); });

TEST(HttpRefusalLog, tells_the_host_that_was_asked_for) {
    http_world world(small());
    (void)world.ask("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n");
    ASSERT_EQ(world.log.size(), 1U);
    EXPECT_NE(world.log[0].find("allowed_hosts: 'evil.example', from "), std::string::npos)
        << world.log[0];
}

TEST(HttpRefusalLog, a_body_that_is_too_slow_names_its_options) {
    http_world world;
    ASSERT_TRUE(
        world.routes.post("/up", [](const request&) { return response::text(200, "got it"); }));
    const auto client = world.open();
    world.send(client, "POST /up HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nx");
    world.pass(options().body_grace + 1ms);
    EXPECT_NE(world.take(client).find("min_body_rate"), std::string::npos);
    ASSERT_EQ(world.log.size(), 1U);
    EXPECT_NE(world.log[0].find("body_grace, from 127.0.0.1:"), std::string::npos);
    EXPECT_TRUE(world.log[0].ends_with(", at /up")) << world.log[0];
}

TEST(HttpRefusalLog, an_answer_that_does_not_come_names_its_route) {
    http_world world;
    responder kept;
    ASSERT_TRUE(world.routes.get(
        "/slow/:id", [&](const request&, responder answer) { kept = std::move(answer); }));
    const auto client = world.open();
    world.send(client, get("/slow/7"));
    world.pass(options().reply_timeout + 1ms);
    EXPECT_NE(world.take(client).find("reply_timeout"), std::string::npos);
    ASSERT_EQ(world.log.size(), 1U);
    EXPECT_TRUE(world.log[0].ends_with(", at /slow/:id")) << world.log[0];
}

TEST(HttpRefusalLog, a_handler_that_lets_go_is_named_by_its_route) {
    http_world world;
    ASSERT_TRUE(world.routes.get("/lost/:id", [](const request&, responder) {}));
    EXPECT_EQ(statuses(world.ask(get("/lost/7"))), std::vector{500});
    ASSERT_EQ(world.log.size(), 1U);
    EXPECT_TRUE(world.log[0].starts_with("a handler of route '/lost/:id' for 127.0.0.1:"));
    EXPECT_TRUE(world.log[0].ends_with(" gave no answer: it let its responder go"));
}

TEST(HttpRefusalLog, a_body_that_ends_early_is_not_called_a_handlers_fault) {
    struct short_source final : body_source {
        std::size_t read(byte_span) noexcept override { return 0; }
    };
    http_world world;
    ASSERT_TRUE(world.routes.get("/file", [](const request&) {
        response made(200);
        made.body_from(std::make_unique<short_source>(), 10);
        return made;
    }));
    (void)world.ask(get("/file"));
    EXPECT_EQ(world.errors(errc::body_incomplete), 1U);
    EXPECT_EQ(world.errors(errc::handler_failed), 0U);
    ASSERT_EQ(world.log.size(), 1U);
    EXPECT_TRUE(world.log[0].starts_with("a reply was cut before it was whole"));
}

TEST(HttpRefusalLog, an_ordinary_end_is_no_warning) {
    http_world world;
    const auto client = world.open();
    world.send(client, get("/"));
    world.pass(options().idle_timeout + 1ms);
    EXPECT_TRUE(world.ended(client));
    EXPECT_TRUE(world.log.empty());
    ASSERT_EQ(world.notes.size(), 1U);
    EXPECT_NE(world.notes[0].find("idle_timeout"), std::string::npos);
}

}  // namespace
}  // namespace weft::http::testing
