// The operator's port: who may ask for what.

#include "internal/internal_listener.hpp"

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/server/server_world.hpp"

namespace weft::test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view right = "correct-horse-battery";

class internal_port : public testing::Test {
protected:
    void begin(internal_options options, internal_actions actions = {}) {
        listener_ = std::make_unique<internal_listener>(about, std::move(options),
                                                        std::move(actions), *default_log());
        const auto port = listener_->start();
        ASSERT_TRUE(port) << port.error().message();
        port_ = *port;
    }
    /// Status line, header lines and body.
    std::string ask(std::string_view method, std::string_view path, std::string_view token = {},
                    std::string_view body = {}) {
        client c(port_);
        std::string request(method);
        request.append(" ").append(path).append(" HTTP/1.1\r\nHost: localhost\r\n");
        if (!token.empty()) request.append("Authorization: Bearer ").append(token).append("\r\n");
        if (!body.empty()) request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
        c.send(request + "Connection: close\r\n\r\n" + std::string(body));
        return c.rest();
    }
    int status(std::string_view method, std::string_view path, std::string_view token = {}) {
        const std::string reply = ask(method, path, token);
        return reply.size() > 12 ? std::stoi(reply.substr(9, 3)) : 0;
    }

    server about{with_threads(2)};

private:
    std::unique_ptr<internal_listener> listener_;
    std::uint16_t port_ = 0;
};

TEST_F(internal_port, what_changes_something_needs_the_token) {
    std::atomic<int> drains = 0;
    internal_actions actions;
    actions.drain = [&] { ++drains; };
    begin({.token = std::string(right)}, std::move(actions));
    running run(about);
    for (const std::string_view path : {"/drain", "/reload"}) {
        EXPECT_EQ(status("POST", path), 401);
        for (const std::string& wrong :
             {std::string("x"), std::string(right) + "x", std::string(right.substr(1)),
              std::string(right.substr(0, right.size() - 1)) + "x",
              std::string("x") + std::string(right.substr(1)),
              std::string(right) + std::string(right)})
            EXPECT_EQ(status("POST", path, wrong), 401) << wrong;
        EXPECT_NE(ask("POST", path).find("WWW-Authenticate: Bearer\r\n"), std::string::npos);
        EXPECT_EQ(status("GET", path, right), 405);
    }
    EXPECT_EQ(drains, 0);
    EXPECT_EQ(status("POST", "/drain", right), 202);
    EXPECT_EQ(drains, 1);
    EXPECT_NE(ask("GET", "/metrics").find("\nweft_internal_refused_total 16\n"), std::string::npos);
}

TEST_F(internal_port, with_a_token_it_also_guards_who_is_connected) {
    begin({.token = std::string(right)});
    running run(about);
    for (const std::string_view path : {"/connections", "/topics"}) {
        EXPECT_EQ(status("GET", path), 401);
        EXPECT_EQ(status("GET", path, right), 200);
    }
    for (const std::string_view path : {"/metrics", "/ready", "/live"})
        EXPECT_EQ(status("GET", path), 200);
}

TEST_F(internal_port, without_a_token_this_machine_may_look_and_not_touch) {
    begin({});
    running run(about);
    EXPECT_EQ(status("GET", "/connections"), 200);
    EXPECT_EQ(status("GET", "/topics"), 200);
    EXPECT_EQ(status("POST", "/drain"), 403);
    EXPECT_EQ(status("POST", "/reload", right), 403);
}

TEST_F(internal_port, beyond_loopback_and_without_a_token_only_probes_and_counters_are_there) {
    begin({.host = "0.0.0.0"});
    running run(about);
    EXPECT_EQ(status("GET", "/metrics"), 200);
    EXPECT_EQ(status("GET", "/ready"), 200);
    EXPECT_EQ(status("GET", "/live"), 200);
    for (const std::string_view path : {"/connections", "/topics"})
        EXPECT_EQ(status("GET", path, right), 403);
    for (const std::string_view path : {"/drain", "/reload"})
        EXPECT_EQ(status("POST", path, right), 403);
}

TEST_F(internal_port, who_has_the_key_for_it_may_publish_and_nothing_else) {
    const std::string key = "a-key-only-to-publish";
    std::vector<std::string> said;
    internal_actions actions;
    actions.publish = [&](std::string_view topic, std::string_view data) -> result<void> {
        if (data == "1") return error(errc::invalid_argument, "no numbers");
        said.push_back(std::string(topic) + " " + std::string(data));
        return {};
    };
    begin({.token = std::string(right), .publish_key = key}, std::move(actions));
    running run(about);
    EXPECT_THAT(ask("POST", "/topics/prices/a%20b/c", key, "{}"), HasSubstr(" 202 "));
    EXPECT_THAT(ask("POST", "/topics/news", right, "[]"), HasSubstr(" 202 "));
    EXPECT_THAT(ask("POST", "/topics/news", key, "1"),
                AllOf(HasSubstr(" 422 "), HasSubstr("no numbers")));
    EXPECT_THAT(said, ElementsAre("prices/a b/c {}", "news []"));
    EXPECT_THAT(ask("POST", "/topics/news", "another-key-than-that"), HasSubstr("publish_key"));
    EXPECT_EQ(status("POST", "/drain", key), 401);
    EXPECT_EQ(status("GET", "/connections", key), 401);
}

TEST_F(internal_port, without_any_key_nobody_may_publish) {
    begin({});
    running run(about);
    EXPECT_THAT(ask("POST", "/topics/news", right, "1"),
                AllOf(HasSubstr(" 403 "), HasSubstr("publish_key_file")));
}

TEST_F(internal_port, reload_says_what_came_of_it) {
    std::atomic<bool> works = true;
    internal_actions actions;
    actions.reload = [&]() -> result<std::string> {
        if (works) return std::string("origins changed");
        return error(errc::invalid_argument, "line 3: what is this");
    };
    begin({.token = std::string(right)}, std::move(actions));
    std::string reply = ask("POST", "/reload", right);
    EXPECT_TRUE(reply.starts_with("HTTP/1.1 200 ")) << reply;
    EXPECT_NE(reply.find("origins changed"), std::string::npos);
    works = false;
    reply = ask("POST", "/reload", right);
    EXPECT_TRUE(reply.starts_with("HTTP/1.1 422 ")) << reply;
    EXPECT_NE(reply.find("line 3: what is this"), std::string::npos);
}

TEST_F(internal_port, a_program_without_reload_says_so) {
    begin({.token = std::string(right)});
    EXPECT_EQ(status("POST", "/reload", right), 501);
}

TEST_F(internal_port, who_starts_is_not_ready) {
    begin({});
    EXPECT_EQ(status("GET", "/ready"), 503);
    running run(about);
    while (status("GET", "/ready") != 200) std::this_thread::yield();
}

TEST_F(internal_port, counters_of_the_program_are_told_too) {
    internal_actions actions;
    actions.visit_metrics = [](metric_visitor visitor) {
        visitor({"weft_test_total", {}, "A test.", metric_kind::counter, 7});
    };
    begin({}, std::move(actions));
    EXPECT_NE(ask("GET", "/metrics").find("\n# TYPE weft_test_total counter\nweft_test_total 7\n"),
              std::string::npos);
}

TEST(internal_options, say_what_is_wrong) {
    EXPECT_TRUE(internal_options{}.check());
    EXPECT_TRUE(internal_options{.token = std::string(right)}.check());
    EXPECT_FALSE(internal_options{.token = "short"}.check());
    EXPECT_FALSE(internal_options{.token = "with a blank in it"}.check());
    EXPECT_FALSE(internal_options{.token = "with-a-line-end-\n"}.check());
    EXPECT_FALSE(internal_options{.host = "localhost"}.check());
}

}  // namespace
}  // namespace weft::test
