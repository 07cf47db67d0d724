// What docs/guide/testing.md shows.

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <weft/testing/world.hpp>
#include <weft/weft.hpp>

namespace {

using namespace std::chrono_literals;

/// The program to be tested: a room that tells who is late.
void set_up(weft::server& server) {
    server.ws("/room", {.idle_timeout = 1min})
        .on_open([](weft::ws::connection<void>& c) { c.subscribe("room"); })
        .on_message([&server](weft::ws::connection<void>&, weft::message_view said) {
            server.publish("room", said);
        });
    (void)server.http().get("/health", [](const weft::http::request&) {
        return weft::http::response::text(200, "well");
    });
}

TEST(my_room, everybody_hears_what_one_says) {
    weft::test_world w;
    set_up(w.server());
    ASSERT_TRUE(w.start());

    std::vector<std::string> heard;
    weft::ws::client ann(w.loop(), {.url = w.url("/room")});
    ann.on_message([&](auto&, weft::message_view said) { heard.emplace_back(said.text()); });
    weft::ws::client bob(w.loop(), {.url = w.url("/room")});
    ASSERT_TRUE(ann.connect());
    ASSERT_TRUE(bob.connect());
    w.run();

    bob.send("hello");
    w.run();
    EXPECT_EQ(heard, std::vector<std::string>{"hello"});
}

TEST(my_room, a_silent_client_stays_as_long_as_it_answers_pings) {
    weft::test_world w;
    set_up(w.server());
    ASSERT_TRUE(w.start());
    weft::ws::client ann(w.loop(), {.url = w.url("/room")});
    ASSERT_TRUE(ann.connect());
    w.pass(24h);
    EXPECT_TRUE(ann.is_open());
}

TEST(my_room, tells_its_health) {
    weft::test_world w;
    set_up(w.server());
    ASSERT_TRUE(w.start());
    const auto answer = w.ask({.target = "/health"});
    ASSERT_TRUE(answer) << answer.error().message();
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->body, "well");
}

}  // namespace
