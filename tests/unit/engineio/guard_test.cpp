// Admissions: what middlewares and `allow_request` say, at once or later, and what becomes of it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <weft/net/awaitable.hpp>

#include "eio_world.hpp"
#include "engineio/shard.hpp"

namespace weft::engineio::test {
namespace {

using texts = std::vector<std::string>;

constexpr const char* first_poll = "EIO=4&transport=polling";
constexpr const char* first_websocket = "EIO=4&transport=websocket";

TEST(guard, allow_request_refuses_with_its_own_words) {
    eio_world world({.allow_request = [](const http::handshake& h) -> result<void> {
        if (h.query_value("token") == "right" && h.header("x-a") == "1") return {};
        return error(weft::errc::invalid_argument, "no token");
    }});
    const reply got = world.ask(eio_world::get(first_poll));
    EXPECT_EQ(got.status, 403);
    EXPECT_EQ(got.body, R"({"code":4,"message":"no token"})");
    EXPECT_EQ(world.ask(eio_world::upgrade(first_websocket)).status, 400);
    const std::string sid =
        world.open_polling("EIO=4&transport=polling&token=r%69ght", "X-A: 1\r\n");
    EXPECT_EQ(sid.size(), 20U);
    EXPECT_EQ(world.submit(sid, "4a").status, 200);  // asked only once
}

TEST(guard, a_refusal_with_a_status_and_headers_reaches_the_client) {
    options chosen;
    chosen.middlewares.emplace_back([](const http::handshake& h) -> admission<> {
        if (h.header("x-a") == "1") return true;
        return refusal(401, "who are you?").header("WWW-Authenticate", "Bearer");
    });
    chosen.allow_request = guard([](http::handshake) -> task<refusal> {
        co_return refusal(429).header("Retry-After", "9");
    });
    eio_world world(std::move(chosen));
    const reply unknown = world.ask(eio_world::get(first_poll));
    EXPECT_EQ(unknown.status, 401);
    EXPECT_EQ(unknown.body, R"({"code":3,"message":"who are you?"})");
    EXPECT_TRUE(unknown.has("WWW-Authenticate: Bearer\r\n"));
    const reply socket = world.ask(eio_world::upgrade(first_websocket));
    EXPECT_EQ(socket.status, 401);
    EXPECT_EQ(socket.body, "who are you?");
    EXPECT_TRUE(socket.has("WWW-Authenticate: Bearer\r\n"));
    const reply later = world.ask(eio_world::get(first_poll, "X-A: 1\r\n"));
    EXPECT_EQ(later.status, 429);
    EXPECT_TRUE(later.has("Retry-After: 9\r\n"));
    EXPECT_EQ(later.body, R"({"code":4,"message":"Forbidden"})");
}

TEST(guard, says_who_the_peer_of_a_session_is) {
    options chosen;
    chosen.middlewares.emplace_back([](const http::handshake&) { return identity{"somebody"}; });
    const time_point noon = time_point() + 12h;
    chosen.allow_request = guard([noon](http::handshake) -> task<identity> {
        co_return identity{"ann", noon};
    });
    eio_world world(std::move(chosen));
    const std::string sid = world.open_polling();
    peer& of = world.at(0).peer();
    EXPECT_EQ(of.address().address(), "127.0.0.1");
    ASSERT_NE(of.who(), nullptr);
    EXPECT_EQ(of.who()->subject, "ann");
    EXPECT_EQ(of.who()->expires, noon);
    EXPECT_EQ(world.submit(sid, "4a").status, 200);
}

TEST(guard, a_session_ends_with_the_identity_of_its_peer) {
    const time_point* now = nullptr;
    options chosen;
    chosen.middlewares.emplace_back([&](const http::handshake&) {
        return identity{"ann", *now + 10s};
    });
    eio_world world(std::move(chosen));
    time_point began = world.loop.now();
    now = &began;
    const std::string sid = world.open_polling();
    const auto poll = world.hang(sid);
    const auto socket = world.open_websocket();
    const std::string other = world.open_polling();
    world.at(2).peer().identify({"ann", began + 20s});
    (void)world.frames(socket);
    world.pass(9s);
    EXPECT_EQ(world.take(poll), "");
    world.pass(1s);
    EXPECT_EQ(world.take_one(poll).body, "1");
    EXPECT_EQ(world.users[0]->closed, std::vector{close_reason::forced_close});
    EXPECT_EQ(world.frames(socket).at(0).close_code(), 4001);
    EXPECT_EQ(world.users[1]->closed, std::vector{close_reason::forced_close});
    EXPECT_TRUE(world.users[2]->closed.empty());
    (void)world.hang(other);
    world.pass(10s);
    EXPECT_EQ(world.users[2]->closed.size(), 1U);
    EXPECT_EQ(world.errors(errc::identity_expired), 3U);
}

TEST(guard, a_short_post_outlives_two_that_take_their_time) {
    net::loop_core* loop = nullptr;
    options chosen;
    for (int i = 0; i < 2; ++i) {
        chosen.middlewares.emplace_back([&](http::handshake asked) -> task<bool> {
            if (!asked.header("content-length").empty()) co_await sleep_for(loop->ref(), 1s);
            co_return true;
        });
    }
    eio_world world(std::move(chosen));
    loop = &world.loop;
    const std::string sid = world.open_polling();
    const auto client = world.connect();
    world.send(client, eio_world::post(eio_world::of(sid), "4hi"));
    world.pass(1s);
    world.pass(1s);
    EXPECT_EQ(world.take_one(client).status, 200);
    EXPECT_EQ(world.users[0]->messages, texts{"hi"});
}

TEST(guard, may_take_its_time) {
    net::loop_core* loop = nullptr;
    options chosen;
    chosen.allow_request = guard([&loop](http::handshake h) -> task<result<void>> {
        co_await sleep_for(loop->ref(), 1s);
        if (h.query_value("token")) co_return result<void>();
        co_return result<void>(error(weft::errc::invalid_argument, "too late"));
    });
    chosen.middlewares.emplace_back([&loop](http::handshake) -> task<result<void>> {
        co_await sleep_for(loop->ref(), 1s);
        co_return result<void>();
    });
    eio_world world(std::move(chosen));
    loop = &world.loop;
    const auto a = world.connect();
    const auto b = world.connect();
    const auto gone = world.connect();
    const auto socket = world.connect();
    world.send(a, eio_world::get(std::string(first_poll) + "&token=1"));
    world.send(b, eio_world::get(first_poll));
    world.send(gone, eio_world::get(std::string(first_poll) + "&token=1"));
    world.send(socket, eio_world::upgrade(std::string(first_websocket) + "&token=1"));
    world.io.peer_reset(gone);
    world.pass(1s);
    EXPECT_EQ(world.take(a), "");
    world.pass(1s);
    EXPECT_EQ(world.take_one(a).status, 200);
    EXPECT_EQ(world.take_one(b).body, R"({"code":4,"message":"too late"})");
    EXPECT_EQ(world.take_one(socket).status, 101);
    world.pass(1ms);
    EXPECT_EQ(world.users.size(), 2U);
    // The body of a POST waits with its request.
    const auto poster = world.connect();
    world.send(poster, eio_world::post(eio_world::of(world.users[0]->sid), "4waited"));
    world.pass(1s);
    EXPECT_EQ(world.take_one(poster).body, "ok");
    EXPECT_EQ(world.users[0]->messages, texts{"waited"});
}

TEST(guard, middlewares_see_every_request_in_order) {
    texts seen;
    options chosen;
    for (const char* name : {"a", "b"}) {
        chosen.middlewares.emplace_back([&seen, name](const http::handshake& h) -> result<void> {
            seen.emplace_back(name);
            if (h.header("x-stop") == name) return error(weft::errc::invalid_argument, "stopped");
            return {};
        });
    }
    eio_world world(std::move(chosen));
    const std::string sid = world.open_polling();
    world.submit(sid, "6");
    EXPECT_EQ(seen, (texts{"a", "b", "a", "b"}));
    const reply got = world.ask(eio_world::get(first_poll, "X-Stop: a\r\n"));
    EXPECT_EQ(got.status, 400);
    EXPECT_EQ(got.body, R"({"code":3,"message":"Bad request"})");
    EXPECT_EQ(seen.size(), 5U);
    EXPECT_EQ(world.ask(eio_world::upgrade(first_websocket, "X-Stop: b\r\n")).status, 400);
    EXPECT_EQ(world.errors(errc::middleware_failed), 2U);
}

TEST(guard, one_that_throws_is_500) {
    eio_world world({.allow_request = [](const http::handshake&) -> result<void> {
        throw std::runtime_error("oh");
    }});
    EXPECT_EQ(world.ask(eio_world::get(first_poll)).status, 500);
    EXPECT_EQ(world.ask(eio_world::upgrade(first_websocket)).status, 500);
    eio_world later({.allow_request = [](http::handshake) -> task<result<void>> {
        throw std::runtime_error("oh");
        co_return result<void>();
    }});
    EXPECT_EQ(later.ask(eio_world::get(first_poll)).status, 500);
    EXPECT_EQ(later.engine.sessions(), 0U);
}

}  // namespace
}  // namespace weft::engineio::test
