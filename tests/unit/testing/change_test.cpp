// What of a running server can be changed, as its clients meet it.

#include <string>

#include <gtest/gtest.h>

#include <weft/testing/world.hpp>
#include <weft/ws/client.hpp>
#include <weft/ws/endpoint.hpp>

namespace weft {
namespace {

using namespace std::chrono_literals;

/// Connects as a page of this origin; the status of a refusal, or 101.
int connect_from(test_world& w, const std::string& origin) {
    int status = 101;
    ws::client c(w.loop(), {.url = w.url("/ws"), .origin = origin});
    c.on_failure([&](ws::client&, const ws::connect_failure& e) { status = e.status; });
    EXPECT_TRUE(c.connect());
    w.run();
    return status;
}

TEST(change, other_origins_count_for_who_comes_and_who_is_there_stays) {
    test_world w;
    auto& endpoint = w.server().ws("/ws", {.origins = {"https://old.example"}});
    int open = 0;
    endpoint.on_open([&](auto&) { ++open; }).on_close([&](auto&, const auto&) { --open; });
    ASSERT_TRUE(w.start());
    ws::client stays(w.loop(), {.url = w.url("/ws"), .origin = "https://old.example"});
    ASSERT_TRUE(stays.connect());
    w.run();
    ASSERT_EQ(open, 1);
    ASSERT_TRUE(endpoint.change_origins({"https://new.example"}));
    EXPECT_EQ(connect_from(w, "https://new.example"), 101);
    EXPECT_EQ(connect_from(w, "https://old.example"), 403);
    EXPECT_FALSE(endpoint.change_origins({"*"}));
    EXPECT_EQ(connect_from(w, "https://new.example"), 101) << "a wrong list changes nothing";
    w.run();
    EXPECT_EQ(open, 1);
}

/// The status of a request for 127.0.0.1, over a connection of its own.
int status(test_world& w) {
    const auto got = w.ask({});
    return got ? got->status : 0;
}

void serve_something(test_world& w) {
    (void)w.server().http().get(
        "/", [](const http::request&) { return http::response::text(200, "hi"); });
    EXPECT_TRUE(w.start());
}

void change(test_world& w, const server_options& to) {
    EXPECT_TRUE(w.server().change(to));
    w.run();
}

TEST(change, other_names_of_the_server_count) {
    server_options options;
    options.http.allowed_hosts = {"127.0.0.1"};
    test_world w(options);
    serve_something(w);
    EXPECT_EQ(status(w), 200);
    options.http.allowed_hosts = {"new.example"};
    change(w, options);
    EXPECT_EQ(status(w), 421);
    options.http.public_origins = {"http://127.0.0.1"};
    change(w, options);
    EXPECT_EQ(status(w), 200);
}

TEST(change, other_limits_count_for_who_comes) {
    server_options options;
    test_world w(options);
    serve_something(w);
    EXPECT_EQ(status(w), 200);
    options.traffic.per_address.connects_per_minute = 1;
    change(w, options);
    EXPECT_EQ(status(w), 200);
    EXPECT_EQ(status(w), 429);
    options.traffic = {};
    options.budgets.connects_per_second = 1;
    change(w, options);
    EXPECT_EQ(status(w), 200);
    (void)status(w);  // one that resumes could have come
    EXPECT_EQ(status(w), 503);
    w.pass(10s);
    EXPECT_EQ(status(w), 200);
}

TEST(change, wrong_options_change_nothing) {
    server_options options;
    test_world w(options);
    serve_something(w);
    options.http.allowed_hosts = {"new.example"};
    options.http.trusted_proxies = {"everybody"};
    EXPECT_FALSE(w.server().change(options));
    w.run();
    EXPECT_EQ(status(w), 200);
}

}  // namespace
}  // namespace weft
