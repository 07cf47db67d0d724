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

// ---- Filters that wait ----

struct waiting_filter_world : coroutine_world {
    waiting_filter_world() {
        routes.before([this](const request&) -> admission<void> {
            ++first;
            return true;
        });
        routes.before("/echo", [this](owned_request asked) -> task<admission<void>> {
            co_await door::wait{waits};
            if (asked.header("x-name") == "mallory") co_return refusal(401, "not you");
            if (asked.header("x-name") == "broken") throw std::runtime_error("no database");
            co_return identity{std::string(asked.header("x-name"))};
        });
        routes.before([this](const request& asked) -> admission<void> {
            who.emplace_back(asked.peer().who() != nullptr ? asked.peer().who()->subject : "-");
            return true;
        });
        EXPECT_TRUE(routes.post("/echo", [](const request& asked) {
            return response::text(200, std::string(asked.body_text()));
        }));
    }
    int first = 0;
    std::vector<std::string> who;
};

TEST(waiting_filter, holds_the_request_until_it_has_decided) {
    waiting_filter_world world;
    const auto client = world.open();
    world.send(client, post("/echo", "hello", "X-Name: ann\r\n") + get("/now"));
    EXPECT_EQ(world.take(client), "");
    EXPECT_EQ(world.first, 1);
    EXPECT_TRUE(world.who.empty());
    world.waits.open();
    world.run();
    const std::string replies = world.take(client);
    EXPECT_EQ(statuses(replies), (std::vector{200, 200}));
    EXPECT_TRUE(has(replies, "hello"));
    EXPECT_EQ(world.first, 2) << "once for each request";
    EXPECT_EQ(world.who, (std::vector<std::string>{"ann", "-"}));
    EXPECT_EQ(world.counters().requests.read(), 2U);
}

TEST(waiting_filter, waits_for_a_body_only_afterwards) {
    waiting_filter_world world;
    const auto client = world.open();
    const std::string bytes = post("/echo", "hello", "X-Name: ann\r\n");
    for (std::size_t cut = 1; cut < bytes.size(); cut += 7) {
        world.send(client, bytes.substr(0, cut));
        world.waits.open();
        world.run();
        world.send(client, bytes.substr(cut));
        world.waits.open();
        world.run();
        EXPECT_EQ(body_of(world.take(client)), "hello") << cut;
    }
}

TEST(waiting_filter, refuses) {
    waiting_filter_world world;
    const auto client = world.open();
    world.send(client, post("/echo", "hello", "X-Name: mallory\r\n") + get("/now"));
    world.waits.open();
    world.run();
    const std::string reply = world.take(client);
    EXPECT_EQ(statuses(reply), std::vector{401}) << "what follows is not looked at";
    EXPECT_TRUE(has(reply, "not you"));
    EXPECT_TRUE(world.ended(client));
}

TEST(waiting_filter, lets_nobody_in_whose_identity_was_ended_meanwhile) {
    waiting_filter_world world;
    const auto client = world.open();
    world.send(client, post("/echo", "hello", "X-Name: ann\r\n"));
    world.waits.open();  // who it is, is known from here on
    EXPECT_EQ(world.loop().peers().expire([](const identity&) { return true; }), 1U);
    world.run();
    EXPECT_EQ(statuses(world.take(client)), std::vector{401});
    EXPECT_TRUE(world.who.empty());
}

TEST(waiting_filter, that_throws_is_answered_with_500) {
    waiting_filter_world world;
    const auto client = world.open();
    world.send(client, post("/echo", "hello", "X-Name: broken\r\n"));
    world.waits.open();
    world.run();
    EXPECT_EQ(statuses(world.take(client)), std::vector{500});
    EXPECT_EQ(world.errors(errc::handler_failed), 1U);
}

TEST(waiting_filter, has_reply_timeout_to_decide) {
    waiting_filter_world world;
    const auto client = world.open();
    world.send(client, post("/echo", "hello", "X-Name: ann\r\n"));
    world.pass(options().reply_timeout + 1s);
    EXPECT_EQ(statuses(world.take(client)), std::vector{503});
    world.waits.open();
    world.run();
    EXPECT_EQ(world.take(client), "");
}

TEST(waiting_filter, may_outlive_its_client) {
    waiting_filter_world world;
    for (const bool early : {true, false}) {
        const auto client = world.open();
        world.send(client, post("/echo", "hello", "X-Name: ann\r\n"));
        if (early) {
            world.io.peer_reset(client);
        } else {
            world.io.peer_end(client);
        }
        world.run();
        world.waits.open();
        world.run();
        EXPECT_EQ(world.connections(), 0U);
    }
    EXPECT_TRUE(world.who.empty());
}

}  // namespace
}  // namespace weft::http
