// The test kit tests itself: a chat, a login over Socket.IO, routes and files, as users would.

#include <weft/testing/world.hpp>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <weft/http/router.hpp>
#include <weft/http/static_files.hpp>
#include <weft/socketio/client.hpp>
#include <weft/socketio/server.hpp>
#include <weft/ws/client.hpp>
#include <weft/ws/endpoint.hpp>

namespace weft {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(a_world, plays_both_sides_of_a_websocket) {
    test_world w;
    w.server().ws("/chat").on_message(
        [&](ws::connection<void>&, message_view what) { w.server().publish("room", what); });
    w.server().ws("/listen").on_open([](ws::connection<void>& c) { c.subscribe("room"); });
    ASSERT_TRUE(w.start());
    std::vector<std::string> heard;
    ws::client ann(w.loop(), {.url = test_world::url("/listen")});
    ann.on_message([&](ws::client&, message_view what) { heard.emplace_back(what.text()); });
    ws::client bob(w.loop(), {.url = test_world::url("/chat")});
    ASSERT_TRUE(ann.connect());
    ASSERT_TRUE(bob.connect());
    w.run();
    ASSERT_TRUE(ann.is_open());
    bob.send("hello");
    bob.send(std::string(900'000, 'x'));
    w.run();
    ASSERT_EQ(heard.size(), 2U);
    EXPECT_EQ(heard[0], "hello");
    EXPECT_EQ(heard[1].size(), 900'000U);
}

TEST(a_world, moves_the_clock_through_all_timers) {
    test_world w;
    int ticks = 0;
    const auto ticking = w.loop().every(1s, [&] { ++ticks; });
    bool closed = false;
    w.server()
        .ws("/", {.ping_interval = 25s, .idle_timeout = 60s})
        .on_close([&](ws::connection<void>&, const ws::close_event&) { closed = true; });
    ASSERT_TRUE(w.start());
    ws::client c(w.loop(), {.url = test_world::url()});
    ASSERT_TRUE(c.connect());
    const time_point begin = w.now();
    w.pass(1h);
    EXPECT_EQ(w.now() - begin, 1h);
    EXPECT_EQ(ticks, 3600);
    EXPECT_TRUE(c.is_open());  // pings were answered
    c.terminate();
    w.run();
    EXPECT_TRUE(closed);
}

TEST(a_world, plays_both_sides_of_socketio) {
    test_world w;
    socketio::server io{w.server()};
    io.use([](socketio::socket& s) { return s.auth() == R"({"token":"good"})"; });
    io.on("sum", [](socketio::socket&, int a, int b) { return a + b; });
    ASSERT_TRUE(w.start());
    const auto options = [](std::string token) {
        socketio::client_options made;
        made.url = test_world::url();
        made.auth = std::map<std::string, std::string>{{"token", std::move(token)}};
        return made;
    };
    int sum = 0;
    std::string refused;
    socketio::client good(w.loop(), options("good"));
    socketio::client bad(w.loop(), options("stolen"));
    bad.socket().on_connect_error(
        [&](socketio::client_socket&, const socketio::connect_error& why) {
            refused = why.message;
        });
    good.socket().emit_with_ack<int>("sum", 2, 3, [&](result<int> got) { sum = got ? *got : -1; });
    w.run();
    EXPECT_EQ(sum, 5);
    EXPECT_EQ(refused, "not allowed");
}

TEST(a_world, asks_routes_and_files) {
    const std::string folder = ::testing::TempDir() + "/weft_world";
    std::filesystem::create_directories(folder);
    std::ofstream(folder + "/page.html") << "<p>page</p>";
    test_world w;
    ASSERT_TRUE(w.server().http().post("/double/:n", [](const http::request& asked) {
        return http::response::text(200, std::string(asked.param("n")) +
                                             std::string(asked.body_text()) +
                                             std::string(asked.header("x-more")));
    }));
    const auto files = http::static_files::make(folder);
    ASSERT_TRUE(files);
    ASSERT_TRUE(w.server().http().get("/files/*path", *files));
    ASSERT_TRUE(w.start());
    const auto doubled = w.ask({.method = http::method::post,
                                .target = "/double/4",
                                .headers = {{"X-More", "2"}},
                                .body = "8"});
    ASSERT_TRUE(doubled) << doubled.error().message();
    EXPECT_EQ(doubled->status, 200);
    EXPECT_EQ(doubled->body, "482");
    const auto page = w.ask({.target = "/files/page.html"});
    ASSERT_TRUE(page) << page.error().message();
    EXPECT_EQ(page->body, "<p>page</p>");
    EXPECT_THAT(std::string(page->header("content-type")), HasSubstr("text/html"));
    EXPECT_EQ(w.ask({.target = "/nothing"})->status, 404);
    std::filesystem::remove_all(folder);
}

TEST(a_world, says_when_a_program_never_rests) {
    test_world w;
    w.server().ws("/").on_message([](ws::connection<void>& c, message_view what) { c.send(what); });
    ASSERT_TRUE(w.start());
    ws::client c(w.loop(), {.url = test_world::url()});
    c.on_message([](ws::client& self, message_view what) { self.send(what); });
    c.on_open([](ws::client& self) { self.send("ping"); });
    ASSERT_TRUE(c.connect());
    EXPECT_THROW(w.run(), std::logic_error);
}

}  // namespace
}  // namespace weft
