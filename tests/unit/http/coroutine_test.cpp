// Coroutines as handlers: they own the request, may outlive the connection, and answer from
// wherever they were resumed.

#include <gtest/gtest.h>

#include <coroutine>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "http_world.hpp"

namespace weft::http {
namespace {

using namespace testing;

/// What coroutines wait for until the test lets them go on.
struct door {
    std::vector<weft::detail::suspension> waiting;

    struct wait {
        door& at;
        [[nodiscard]] bool await_ready() const noexcept { return false; }
        template <class Promise>
        void await_suspend(std::coroutine_handle<Promise> who) {
            at.waiting.emplace_back(who);
        }
        void await_resume() const noexcept {}
    };
    void open() {
        auto all = std::move(waiting);
        waiting.clear();
        for (auto& one : all) one.resume();
    }
};

struct coroutine_world : http_world {
    coroutine_world() {
        EXPECT_TRUE(routes.post("/echo/:who", [this](owned_request asked) -> task<response> {
            co_await door::wait{waits};
            co_return response::text(200, std::string(asked.param("who")) + " " +
                                              std::string(asked.header("x-name")) + " " +
                                              asked.cookie("c").value_or("-") + " " + asked.body());
        }));
        EXPECT_TRUE(routes.get(
            "/now", [](owned_request) -> task<response> { co_return response::text(200, "now"); }));
        EXPECT_TRUE(routes.get("/throws", [this](owned_request) -> task<response> {
            co_await door::wait{waits};
            throw std::runtime_error("no database");
        }));
    }
    ~coroutine_world() { shut_down(); }
    door waits;
};

TEST(coroutine_handler, answers_at_once) {
    coroutine_world world;
    EXPECT_EQ(statuses(world.ask(get("/now") + get("/now"))), (std::vector{200, 200}));
}

TEST(coroutine_handler, owns_what_it_was_asked) {
    coroutine_world world;
    const auto client = world.open();
    world.send(client, post("/echo/me", "body", "X-Name: n\r\nCookie: c=%31\r\n") + get("/now"));
    EXPECT_EQ(world.take(client), "");
    world.waits.open();
    world.run();
    const std::string reply = world.take(client);
    EXPECT_EQ(statuses(reply), (std::vector{200, 200}));
    EXPECT_TRUE(has(reply, "\r\n\r\nme n 1 bodyHTTP/1.1"));
}

TEST(coroutine_handler, may_end_on_another_thread) {
    coroutine_world world;
    const auto client = world.open();
    world.send(client, post("/echo/me", "body"));
    std::thread([&] { world.waits.open(); }).join();
    EXPECT_EQ(world.take(client), "");
    world.run();
    EXPECT_EQ(statuses(world.take(client)), std::vector{200});
    world.send(client, get("/throws"));
    std::thread([&] { world.waits.open(); }).join();
    world.run();
    EXPECT_EQ(statuses(world.take(client)), std::vector{500});
}

TEST(coroutine_handler, that_throws_costs_500) {
    coroutine_world world;
    const auto client = world.open();
    world.send(client, get("/throws"));
    world.waits.open();
    world.run();
    EXPECT_EQ(statuses(world.take(client)), std::vector{500});
    EXPECT_TRUE(world.ended(client));
    EXPECT_TRUE(
        world.log.at(0).starts_with("a coroutine handler of route '/throws' for 127.0.0.1:"));
    EXPECT_TRUE(world.log.at(0).ends_with(" threw: no database"));
    EXPECT_EQ(world.errors(errc::handler_failed), 1U);
}

TEST(coroutine_handler, may_outlive_its_connection) {
    coroutine_world world;
    const auto client = world.open();
    world.send(client, post("/echo/me", "body"));
    world.io.peer_reset(client);
    world.run();
    EXPECT_EQ(world.connections(), 0U);
    world.waits.open();
    world.run();
    EXPECT_TRUE(world.log.empty());
}

TEST(coroutine_handler, that_never_ends_goes_with_the_loop) {
    coroutine_world world;
    const auto client = world.open();
    world.send(client, post("/echo/me", "body"));
    world.shut_down();
    world.waits.waiting.clear();
}

}  // namespace
}  // namespace weft::http
