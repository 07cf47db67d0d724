// Whole WebSocket connections of a server on the sim backend.

#include <gtest/gtest.h>

#include <stdexcept>

#include "ws_world.hpp"

namespace weft::ws::test {
namespace {

auto echo = [](auto& c, message_view m) { c.send(m); };

/// What `on_close` was told.
struct seen_close {
    int calls = 0;
    close_code code{};
    std::string reason;
    bool clean = false;
    std::error_code cause;
    void operator()(auto&, const close_event& e) {
        ++calls;
        code = e.code;
        reason = std::string(e.reason);
        clean = e.clean;
        cause = e.cause;
    }
};

TEST(ws_handshake, accepts_and_echoes_with_the_same_opcode) {
    ws_world world;
    world.endpoint.on_message(echo);
    const auto client = world.open();
    EXPECT_TRUE(world.response.starts_with("HTTP/1.1 101 "));
    EXPECT_NE(world.response.find("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), std::string::npos);
    world.send(client, text_frame("hello") + binary_frame(std::string("\0\1", 2)) + text_frame(""));
    const auto got = world.frames(client);
    ASSERT_EQ(got.size(), 3U);
    EXPECT_EQ(got[0].first, 0x81);
    EXPECT_EQ(got[0].payload, "hello");
    EXPECT_EQ(got[1].first, 0x82);
    EXPECT_EQ(got[1].payload, std::string("\0\1", 2));
    EXPECT_EQ(got[2].payload, "");
}

TEST(ws_handshake, frames_behind_the_request_are_read) {
    ws_world world;
    world.endpoint.on_message(echo);
    const auto client = world.io.connect_client(80);
    world.send(client, world.request() + text_frame("early"));
    std::string bytes = world.io.peer_take(client);
    bytes.erase(0, bytes.find("\r\n\r\n") + 4);
    const auto got = take_frames(bytes);
    ASSERT_EQ(got.size(), 1U);
    EXPECT_EQ(got[0].payload, "early");
}

TEST(ws_handshake, wrong_requests_get_their_status_and_the_connection_ends) {
    ws_world world;
    const auto status = [&](const std::string& bytes) {
        const auto client = world.io.connect_client(80);
        world.send(client,
                   bytes + world.request());  // a smuggled second request must not be answered
        const std::string reply = world.io.peer_take(client);
        EXPECT_TRUE(world.ended(client)) << reply;
        EXPECT_EQ(reply.find("HTTP/1.1", 1), std::string::npos) << reply;
        return reply.substr(9, 3);
    };
    const std::string good = world.request();
    const auto with = [&](const std::string& from, const std::string& to) {
        std::string changed = good;
        changed.replace(changed.find(from), from.size(), to);
        return changed;
    };
    EXPECT_EQ(status(with("GET", "POST")), "405");
    EXPECT_EQ(status(with("Version: 13", "Version: 8")), "426");
    EXPECT_EQ(status(with("Version: 13", "Version: 777")), "426");
    EXPECT_EQ(status(with("dGhlIHNhbXBsZSBub25jZQ==", "short")), "400");
    EXPECT_EQ(status(with("Connection: Upgrade", "Connection: keep-alive")), "400");
    EXPECT_EQ(status(with("websocket", "h2c")), "426");
    EXPECT_EQ(status(world.request("Origin: https://evil.example\r\n")), "403");
    EXPECT_EQ(world.shared.metrics.refused.read(), 7U);
}

TEST(ws_handshake, sec_b1_foreign_origin_is_refused_before_the_application_is_asked) {
    options chosen;
    chosen.origins = {"https://good.example"};
    ws_world world(chosen);
    int asked = 0;
    world.endpoint.on_accept([&](const http::handshake&) -> admission<> {
        ++asked;
        return true;
    });
    EXPECT_TRUE(world.ask(world.request("Origin: https://good.example.evil\r\n"))
                    .starts_with("HTTP/1.1 403 "));
    EXPECT_TRUE(world.ask(world.request("Origin: null\r\n")).starts_with("HTTP/1.1 403 "));
    EXPECT_EQ(asked, 0);
    EXPECT_TRUE(
        world.ask(world.request("Origin: https://good.example\r\n")).starts_with("HTTP/1.1 101 "));
    EXPECT_TRUE(world.ask(world.request("Origin: http://here\r\n")).starts_with("HTTP/1.1 101 "));
    EXPECT_EQ(asked, 2);
}

TEST(ws_handshake, the_clients_first_known_subprotocol_is_chosen) {
    options chosen;
    chosen.subprotocols = {"b", "c"};
    ws_world world(chosen);
    std::string seen;
    world.endpoint.on_open([&](auto& c) { seen = c.subprotocol(); });
    world.open("Sec-WebSocket-Protocol: a, c, b\r\n");
    EXPECT_EQ(seen, "c");
    EXPECT_NE(world.response.find("Sec-WebSocket-Protocol: c\r\n"), std::string::npos);
    world.open("Sec-WebSocket-Protocol: x\r\n");
    EXPECT_EQ(seen, "");
}

struct user {
    std::string name;
    int* destroyed = nullptr;
    user() = default;
    explicit user(std::string n) : name(std::move(n)) {}
    user(user&& other) noexcept
        : name(std::move(other.name)), destroyed(std::exchange(other.destroyed, nullptr)) {}
    ~user() {
        if (destroyed != nullptr) ++*destroyed;
    }
};

TEST(ws_accept, gives_data_or_refuses_with_status_and_body) {
    ws_world<user> world;
    world.endpoint
        .on_accept([](const http::handshake& h) -> admission<user> {
            if (h.header("x-name").empty()) return refusal(401, "who are you?");
            return user(std::string(h.header("X-Name")));
        })
        .on_open([](auto& c) { c.send(c->name); });
    const auto client = world.open("X-Name: Ann\r\n");
    EXPECT_EQ(world.response.substr(9, 3), "101");
    EXPECT_NE(world.response.find("Ann"), std::string::npos);
    EXPECT_FALSE(world.ended(client));
    const std::string refused = world.ask(world.request());
    EXPECT_TRUE(refused.starts_with("HTTP/1.1 401 "));
    EXPECT_NE(refused.find("who are you?"), std::string::npos);
}

TEST(ws_accept, a_refusals_headers_reach_the_client) {
    ws_world world;
    world.endpoint.on_accept([](const http::handshake&) {
        return refusal(401, "who?").header("WWW-Authenticate", "Bearer\r\nX: y");
    });
    const std::string refused = world.ask(world.request());
    EXPECT_TRUE(refused.starts_with("HTTP/1.1 401 "));
    EXPECT_NE(refused.find("\r\nWWW-Authenticate: Bearer  X: y\r\n"), std::string::npos);
}

TEST(ws_accept, a_yes_may_add_headers_to_the_101) {
    ws_world<user> world;
    world.endpoint.on_accept([](const http::handshake&) {
        return admission<user>(user("Ann"))
            .header("Set-Cookie", to_string(http::cookie{.name = "seen", .value = "1"}))
            .header("X", "a\r\nb");
    });
    world.open();
    EXPECT_EQ(world.response.substr(9, 3), "101");
    EXPECT_NE(world.response.find(
                  "\r\nSet-Cookie: seen=1; Path=/; HttpOnly; SameSite=Lax\r\nX: a  b\r\n"),
              std::string::npos)
        << world.response;
}

TEST(ws_accept, the_request_is_readable_until_on_open) {
    ws_world<user> world;
    std::string seen;
    world.endpoint
        .on_accept([](http::handshake h) -> task<admission<user>> {
            co_return user(std::string(h.param("name")));
        })
        .on_open([&](connection<user>& c, const http::handshake& h) {
            seen =
                c->name + " " + std::string(h.param("name")) + " " + std::string(h.header("x-a"));
        });
    world.open("X-A: 1\r\n", "/room/blue");
    EXPECT_EQ(seen, "blue blue 1");
}

TEST(ws_accept, says_who_the_peer_is) {
    ws_world<user> world;
    const time_point noon = time_point() + std::chrono::hours(12);
    world.endpoint.on_accept([&](const http::handshake&) {
        return admission<user>(user("Ann"), {"ann", noon});
    });
    world.endpoint.on_message([&](connection<user>& c, message_view) {
        ASSERT_NE(c.peer().who(), nullptr);
        EXPECT_EQ(c.peer().who()->expires, noon);
        c.send(c.peer().who()->subject + " at " + c.peer().address().address());
    });
    const auto client = world.open();
    world.send(client, text_frame("?"));
    EXPECT_EQ(world.frames(client).at(0).payload, "ann at 127.0.0.1");
}

TEST(ws_accept, a_connection_ends_with_the_identity_of_its_peer) {
    ws_world world;
    std::error_code cause;
    world.endpoint.on_accept([&](const http::handshake&) -> admission<void> {
        return identity{"ann", world.loop.now() + 10s};
    });
    world.endpoint.on_close([&](auto&, const close_event& e) { cause = e.cause; });
    world.endpoint.on_message([&](auto& c, message_view) {
        c.peer().identify({"ann", world.loop.now() + 10s});
    });
    const auto client = world.open();
    const auto renewed = world.open();
    world.pass(9s);
    world.send(renewed, text_frame("renew"));
    EXPECT_TRUE(world.frames(client).empty());
    world.pass(1s);
    const auto got = world.frames(client);
    ASSERT_EQ(got.size(), 1U);
    EXPECT_EQ(got[0].close_code(), 4001);
    EXPECT_EQ(got[0].payload.substr(2), "identity expired");
    EXPECT_TRUE(world.ended(client));
    world.io.peer_end(client);
    world.run();
    EXPECT_EQ(cause, errc::identity_expired);
    EXPECT_TRUE(world.frames(renewed).empty());
    world.pass(9s);
    EXPECT_EQ(world.frames(renewed).size(), 1U);
}

TEST(ws_accept, what_is_learned_later_ends_a_connection_too) {
    ws_world world;
    world.endpoint.on_message([&](auto& c, message_view) {
        c.peer().identify({"ann", world.loop.now() + 5s});
    });
    const auto client = world.open();
    world.send(client, text_frame("I am Ann"));
    world.pass(4s);
    EXPECT_TRUE(world.frames(client).empty());
    world.pass(1s);
    EXPECT_EQ(world.frames(client).at(0).close_code(), 4001);
}

TEST(ws_accept, what_only_says_no_is_403) {
    ws_world world;
    world.endpoint.on_accept([](http::handshake) -> task<bool> { co_return false; });
    EXPECT_TRUE(world.ask(world.request()).starts_with("HTTP/1.1 403 "));
}

TEST(ws_accept, an_expected_error_refuses_with_its_sentence) {
    ws_world<user> world;
    world.endpoint.on_accept([](const http::handshake&) -> result<user> {
        return error(weft::errc::limit_exceeded, "no seat left");
    });
    const std::string refused = world.ask(world.request());
    EXPECT_TRUE(refused.starts_with("HTTP/1.1 403 "));
    EXPECT_NE(refused.find("no seat left"), std::string::npos);
}

/// What a coroutine waits for until the test opens it.
struct gate {
    struct step {
        gate* owner;
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<> h) const noexcept { owner->waiting = h; }
        void await_resume() const noexcept {}
    };
    step pass() { return {this}; }
    std::coroutine_handle<> waiting;
};

TEST(ws_accept, takes_its_time_and_keeps_what_the_client_sends_meanwhile) {
    ws_world<user> world;
    gate slow;
    world.endpoint
        .on_accept([&slow](http::handshake h) -> task<admission<user>> {
            co_await slow.pass();
            co_return user(std::string(h.path()));
        })
        .on_message([](auto& c, message_view m) { c.send(c->name + std::string(m.text())); });
    const auto client = world.io.connect_client(80);
    world.send(client, world.request() + text_frame("!"));
    EXPECT_EQ(world.io.peer_take(client), "");
    slow.waiting.resume();
    world.pass(5ms);
    std::string bytes = world.io.peer_take(client);
    bytes.erase(0, bytes.find("\r\n\r\n") + 4);
    const auto got = take_frames(bytes);
    ASSERT_EQ(got.size(), 1U);
    EXPECT_EQ(got[0].payload, "/ws!");
}

TEST(ws_accept, a_client_that_leaves_meanwhile_is_no_harm) {
    ws_world<user> world;
    gate slow;
    int destroyed = 0;
    int opened = 0;
    world.endpoint
        .on_accept([&](http::handshake) -> task<admission<user>> {
            co_await slow.pass();
            user made("late");
            made.destroyed = &destroyed;
            co_return std::move(made);
        })
        .on_open([&](auto&) { ++opened; });
    const auto client = world.io.connect_client(80);
    world.send(client, world.request());
    world.io.peer_reset(client);
    world.run();
    slow.waiting.resume();
    world.run();
    EXPECT_EQ(destroyed, 1);
    EXPECT_EQ(opened, 0);
    EXPECT_EQ(world.loop.connections(), 0U);
}

TEST(ws_accept, what_throws_is_answered_with_500) {
    ws_world<user> world;
    world.endpoint.on_accept([](http::handshake) -> task<admission<user>> {
        throw std::runtime_error("no database");
        co_return refusal();
    });
    EXPECT_TRUE(world.ask(world.request()).starts_with("HTTP/1.1 500 "));
    EXPECT_EQ(world.shared.metrics.handler_exceptions.read(), 1U);
    EXPECT_EQ(world.log.at(0), "on_accept threw: no database");
}

TEST(ws_close, echoes_the_peers_code_and_ends_cleanly) {
    ws_world world;
    seen_close seen;
    world.endpoint.on_close(std::ref(seen));
    const auto client = world.open();
    world.send(client, encode({0x88, std::string("\x0B\xB8", 2) + "bye"}));  // 3000
    const auto got = world.frames(client);
    ASSERT_EQ(got.size(), 1U);
    EXPECT_EQ(got[0].op(), 8);
    EXPECT_EQ(got[0].close_code(), 3000);
    EXPECT_TRUE(world.ended(client));
    EXPECT_EQ(seen.calls, 1);
    EXPECT_EQ(static_cast<int>(seen.code), 3000);
    EXPECT_EQ(seen.reason, "bye");
    EXPECT_TRUE(seen.clean);
    EXPECT_FALSE(seen.cause);
}

TEST(ws_close, ours_waits_for_the_peers_and_reports_its_code) {
    ws_world world;
    seen_close seen;
    world.endpoint.on_message([](auto& c, message_view) { c.close(close_code{4001}, "enough"); })
        .on_close(std::ref(seen));
    const auto client = world.open();
    world.send(client, text_frame("x") + text_frame("y"));
    auto got = world.frames(client);
    ASSERT_EQ(got.size(), 1U);
    EXPECT_EQ(got[0].close_code(), 4001);
    EXPECT_EQ(got[0].payload.substr(2), "enough");
    EXPECT_EQ(seen.calls, 0);
    EXPECT_FALSE(world.ended(client));
    world.send(client, close_frame(4001));
    EXPECT_TRUE(world.frames(client).empty());
    EXPECT_TRUE(world.ended(client));
    EXPECT_TRUE(seen.clean);
}

TEST(ws_close, an_unanswered_close_ends_at_close_timeout) {
    ws_world world;
    seen_close seen;
    world.endpoint.on_open([](auto& c) { c.close(); }).on_close(std::ref(seen));
    const auto client = world.open();
    world.pass(4900ms);
    EXPECT_EQ(seen.calls, 0);
    world.pass(200ms);
    EXPECT_EQ(seen.calls, 1);
    EXPECT_EQ(seen.cause, condition::timed_out);
    EXPECT_EQ(seen.code, close_code::abnormal);
    EXPECT_TRUE(world.io.peer_sees_reset(client));
}

TEST(ws_close, without_a_close_frame_it_is_1006_with_the_local_cause) {
    ws_world world;
    seen_close seen;
    world.endpoint.on_close(std::ref(seen));
    const auto first = world.open();
    world.io.peer_end(first);
    world.run();
    EXPECT_EQ(seen.code, close_code::abnormal);
    EXPECT_EQ(seen.cause, condition::peer_gone);
    EXPECT_FALSE(seen.clean);
    const auto second = world.open();
    world.io.peer_reset(second);
    world.run();
    EXPECT_EQ(seen.calls, 2);
    EXPECT_EQ(seen.cause, condition::peer_gone);
}

TEST(ws_close, user_data_dies_after_on_close) {
    ws_world<user> world;
    int destroyed = 0;
    int destroyed_at_close = -1;
    world.endpoint.on_open([&](auto& c) { c->destroyed = &destroyed; })
        .on_close([&](auto&, const close_event&) { destroyed_at_close = destroyed; });
    const auto client = world.open();
    world.send(client, close_frame(1000));
    EXPECT_EQ(destroyed_at_close, 0);
    EXPECT_EQ(destroyed, 1);
}

TEST(ws_errors, each_gets_its_close_code_and_others_do_not_notice) {
    options chosen;
    chosen.max_message = 1000;
    ws_world world(chosen);
    seen_close seen;
    world.endpoint.on_message(echo).on_close(std::ref(seen));
    const auto healthy = world.open();
    const auto code_for = [&](const std::string& bytes) {
        const auto client = world.open();
        world.send(client, bytes);
        const auto got = world.frames(client);
        EXPECT_TRUE(world.ended(client));
        return got.empty() ? 0 : got.back().close_code();
    };
    EXPECT_EQ(code_for(encode({0x81, "x", false})), 1002);
    EXPECT_EQ(seen.cause, make_error_code(errc::unmasked_frame));
    EXPECT_EQ(code_for(encode({0xC1, "x"})), 1002);
    EXPECT_EQ(code_for(encode({0x83, "x"})), 1002);
    EXPECT_EQ(code_for(encode({0x80, "x"})), 1002);
    EXPECT_EQ(code_for(encode({0x81, "\xFF"})), 1007);
    EXPECT_EQ(seen.cause, make_error_code(errc::invalid_utf8));
    EXPECT_EQ(code_for(encode({0x82, std::string(1001, 'x')})), 1009);
    EXPECT_EQ(seen.cause, condition::limit_exceeded);
    EXPECT_EQ(code_for(close_frame(1006)), 1002);
    world.send(healthy, text_frame("still here"));
    const auto got = world.frames(healthy);
    ASSERT_EQ(got.size(), 1U);
    EXPECT_EQ(got[0].payload, "still here");
    EXPECT_EQ(world.shared.metrics.errors.read(errc::message_too_big), 1U);
}

TEST(ws_errors, a_handler_that_throws_closes_its_connection_with_1011) {
    ws_world world;
    seen_close seen;
    world.endpoint
        .on_message([](auto&, message_view) { throw std::runtime_error("broken handler"); })
        .on_close(std::ref(seen));
    const auto client = world.open();
    world.send(client, text_frame("x"));
    const auto got = world.frames(client);
    ASSERT_EQ(got.size(), 1U);
    EXPECT_EQ(got[0].close_code(), 1011);
    EXPECT_EQ(seen.cause, make_error_code(errc::handler_failed));
    EXPECT_EQ(world.shared.metrics.handler_exceptions.read(), 1U);
    ASSERT_EQ(world.log.size(), 1U);
    EXPECT_EQ(world.log[0], "on_message for 127.0.0.1:20002 threw: broken handler");
}

TEST(ws_errors, a_handler_that_blocks_its_loop_twice_is_named) {
    ws_world world;
    world.endpoint.on_message([&](auto&, message_view) { world.io.advance(300ms); });
    const auto client = world.open();
    world.send(client, text_frame("x"));
    ASSERT_EQ(world.log.size(), 1U);
    EXPECT_TRUE(world.log[0].starts_with("a turn took 300 ms: ")) << world.log[0];
    world.pass(10s);
    world.send(client, text_frame("x"));
    ASSERT_EQ(world.log.size(), 2U);
    EXPECT_TRUE(world.log[1].starts_with("a turn took 300 ms, 300 ms of it in on_message "))
        << world.log[1];
}

/// What came, one word each: `pong:x`, `text:x`, `close`.
template <class World>
std::string told(World& world, net::sim_backend::peer client) {
    std::string bytes;
    for (int i = 0; i < 3; ++i) {  // a window that opens lets the rest come
        bytes += world.io.peer_take(client);
        world.run();
    }
    std::string out;
    for (const server_frame& frame : take_frames(bytes)) {
        if (!out.empty()) out += ' ';
        out += frame.op() == 8 ? "close" : (frame.op() == 10 ? "pong:" : "text:") + frame.payload;
    }
    return out;
}

TEST(ws_ping, each_is_answered_in_its_place) {
    ws_world world;
    world.endpoint.on_message(echo);
    const auto client = world.open();
    world.send(client, encode({0x89, "1"}) + encode({0x89, "2"}) + encode({0x89, ""}));
    EXPECT_EQ(told(world, client), "pong:1 pong:2 pong:");
    world.send(client, encode({0x89, "1"}) + text_frame("a") + encode({0x89, "2"}));
    EXPECT_EQ(told(world, client), "pong:1 text:a pong:2");
    world.send(client, encode({0x01, "a"}) + encode({0x89, "1"}) + encode({0x00, "b"}) +
                           encode({0x89, "2"}) + encode({0x80, "c"}));
    EXPECT_EQ(told(world, client), "pong:1 pong:2 text:abc");
}

TEST(ws_ping, is_answered_before_the_close_that_follows) {
    ws_world world;
    world.endpoint.on_message([](auto& c, message_view) { c.close(close_code::normal); });
    const auto ends = [&](const std::string& last) {
        const auto client = world.open();
        world.send(client, encode({0x89, "1"}) + last + encode({0x89, "late"}));
        return told(world, client);
    };
    EXPECT_EQ(ends(close_frame(1000)), "pong:1 close");    // the peer's
    EXPECT_EQ(ends(text_frame("x")), "pong:1 close");      // ours
    EXPECT_EQ(ends(encode({0x83, "x"})), "pong:1 close");  // for an error
}

TEST(ws_ping, is_answered_with_the_latest_payload_only_while_the_peer_does_not_read) {
    ws_world world;
    world.endpoint.on_message([](auto& c, message_view) { c.close(close_code::normal); });
    const auto behind = [&] {
        const auto client = world.open();
        world.io.peer_window(client, 0);
        for (const char* payload : {"1", "2", "3", "4"})
            world.send(client, encode({0x89, payload}));
        return client;
    };
    const auto reads_on = [&](auto client) {
        world.io.peer_window(client, SIZE_MAX);
        return told(world, client);
    };
    EXPECT_EQ(reads_on(behind()), "pong:1 pong:4");
    const auto closed = behind();
    world.send(closed, close_frame(1000));
    EXPECT_EQ(reads_on(closed), "pong:1 pong:4 close");
    const auto closing = behind();
    world.send(closing, text_frame("x"));
    EXPECT_EQ(reads_on(closing), "pong:1 pong:4 close");
}

TEST(ws_ping, sec_w4_a_flood_is_cut_off_and_never_queues_more_than_one_pong) {
    ws_world world;
    const auto client = world.open();
    world.io.peer_window(client, 0);
    std::size_t most = 0;
    for (int i = 0; i < 200 && !world.ended(client); ++i) {
        world.send(client, encode({0x89, std::string(125, 'p')}));
        world.loop.for_each_stream([&](net::byte_stream& s) { most = std::max(most, s.queued()); });
        world.io.advance(60ms);
    }
    EXPECT_LE(most, 2U * 131);
    for (int i = 0; i < 100; ++i) world.send(client, encode({0x89, "x"}));
    EXPECT_EQ(world.shared.metrics.errors.read(errc::control_flood), 1U);
}

TEST(ws_liveness, silence_is_asked_about_and_then_given_up) {
    ws_world world;
    seen_close seen;
    world.endpoint.on_close(std::ref(seen));
    const auto client = world.open();
    world.pass(24900ms);
    EXPECT_TRUE(world.frames(client).empty());
    world.pass(200ms);
    auto got = world.frames(client);
    ASSERT_EQ(got.size(), 1U);
    EXPECT_EQ(got[0].op(), 9);
    world.send(client, encode({0x8A, ""}));
    world.pass(24900ms);
    EXPECT_EQ(seen.calls, 0);
    world.pass(34s);
    EXPECT_EQ(seen.calls, 0);
    world.pass(1200ms);
    EXPECT_EQ(seen.calls, 1);
    EXPECT_EQ(seen.cause, condition::timed_out);
    EXPECT_EQ(world.shared.metrics.idle_timeouts.read(), 1U);
}

/// A world whose clients get `size` bytes at once when they ask.
struct download {
    explicit download(std::size_t size) : content(size, 'x') {
        world.endpoint.on_message([this](auto& c, message_view) { c.send(content); })
            .on_close(std::ref(seen));
    }
    const std::string content;
    seen_close seen;
    ws_world<> world;
};

TEST(ws_liveness, a_reader_is_slow_but_alive_while_it_takes_what_we_send) {
    for (const std::size_t kernel : {std::size_t{4096}, std::size_t{1024 * 1024}}) {
        download d(200'000);
        const auto client = d.world.open();
        d.world.io.peer_window(client, kernel);
        d.world.send(client, text_frame("all of it"));
        std::string got;
        while (got.size() < d.content.size()) {
            d.world.pass(20s);
            ASSERT_EQ(d.seen.calls, 0) << got.size();
            got += d.world.io.peer_take(client, 4096);
        }
        d.world.pass(20s);
        got += d.world.io.peer_take(client);
        const auto frames = take_frames(got);
        ASSERT_EQ(frames.size(), 2U);
        EXPECT_EQ(frames[0].payload, d.content);
        EXPECT_EQ(frames[1].op(), 9);
        d.world.send(client, encode({0x8A, ""}));
        d.world.pass(59s);
        EXPECT_EQ(d.seen.calls, 0);
    }
}

TEST(ws_liveness, a_reader_that_stops_or_does_not_answer_in_the_end_is_given_up) {
    for (const std::size_t takes : {std::size_t{100'000}, std::size_t{1'000'000}}) {
        download d(200'000);
        const auto client = d.world.open();
        d.world.io.peer_window(client, 1024 * 1024);
        d.world.send(client, text_frame("all of it"));
        d.world.pass(26s);
        (void)d.world.io.peer_take(client, takes);
        d.world.pass(35s);
        EXPECT_EQ(d.seen.calls, 0);
        d.world.pass(59s);
        EXPECT_EQ(d.seen.calls, 0);
        d.world.pass(2s);
        EXPECT_EQ(d.seen.calls, 1);
        EXPECT_EQ(d.world.shared.metrics.idle_timeouts.read(), 1U);
    }
}

TEST(ws_liveness, what_arrives_at_a_peer_is_no_answer_to_a_ping) {
    ws_world world;
    seen_close seen;
    connection<void>* opened = nullptr;
    world.endpoint.on_open([&](auto& c) { opened = &c; }).on_close(std::ref(seen));
    const auto client = world.open();
    int seconds = 0;
    for (; seen.calls == 0 && seconds < 200; ++seconds) {
        world.pass(1s);
        (void)world.io.peer_take(client);
        if (seen.calls == 0) opened->send("tick");
        world.run();
    }
    EXPECT_EQ(seconds, 120)
        << "the tick that was on its way at the ping has arrived, no answer came";
}

TEST(ws_liveness, a_message_may_take_long_at_the_least_rate) {
    ws_world world;
    std::size_t received = 0;
    world.endpoint.on_message([&](auto&, message_view m) { received = m.size(); });
    const auto client = world.open();
    std::string frame = binary_frame(std::string(100'000, 'x'));
    while (!frame.empty()) {
        world.pass(10s);
        world.send(client, frame.substr(0, 800));
        frame.erase(0, 800);
        ASSERT_FALSE(world.ended(client));
    }
    EXPECT_EQ(received, 100'000U);
}

TEST(ws_liveness, a_message_in_tokens_may_take_long) {
    ws_world world;
    std::size_t received = 0;
    world.endpoint.on_message([&](auto&, message_view m) { received = m.size(); });
    const auto client = world.open();
    world.send(client, encode({0x01, "Once"}));
    for (int i = 0; i < 6'000; ++i) {
        world.io.advance(50ms);
        world.send(client, encode({0x00, " upon"}));
    }
    world.send(client, encode({0x80, ""}));
    EXPECT_EQ(received, 30'004U);
}

TEST(ws_liveness, sec_w3_a_fast_beginning_does_not_buy_a_long_silence) {
    ws_world world;
    const auto client = world.open();
    world.send(client, binary_frame(std::string(1'000'000, 'x')).substr(0, 900'000));
    world.pass(29s);
    EXPECT_FALSE(world.ended(client));
    world.pass(1100ms);
    EXPECT_EQ(world.shared.metrics.errors.read(errc::message_too_slow), 1U);
}

TEST(ws_liveness, sec_w3_an_unfinished_message_keeps_a_rate) {
    ws_world world;
    const auto client = world.open();
    world.send(client, encode({0x01, "begin"}));
    for (int i = 0; i < 6; ++i) {
        world.pass(5s);
        world.send(client, encode({0x00, "more and more and more"}));
    }
    EXPECT_FALSE(world.ended(client));
    world.pass(5100ms);
    const auto got = world.frames(client);
    ASSERT_FALSE(got.empty());
    EXPECT_EQ(got.back().close_code(), 1008);
    EXPECT_EQ(world.shared.metrics.errors.read(errc::message_too_slow), 1U);
}

TEST(ws_rate, is_not_limited_unless_asked_for) {
    ws_world world;
    int received = 0;
    world.endpoint.on_message([&](auto&, message_view) { ++received; });
    const auto client = world.open();
    std::string burst;
    for (int i = 0; i < 20'000; ++i) burst += text_frame("x");
    world.send(client, burst);
    EXPECT_EQ(received, 20'000);
    EXPECT_EQ(world.shared.metrics.throttled.read(), 0U);
}

TEST(ws_rate, reading_pauses_above_it_and_only_long_excess_closes) {
    options chosen;
    chosen.rate = receive_rate{10, 1'000'000};
    ws_world world(chosen);
    int received = 0;
    world.endpoint.on_message([&](auto&, message_view) { ++received; });
    const auto client = world.open();
    std::string burst;
    for (int i = 0; i < 25; ++i) burst += text_frame("x");
    world.send(client, burst);  // two seconds' worth pass at once, half a second is owed
    EXPECT_EQ(received, 25);
    world.send(client, text_frame("later"));
    EXPECT_EQ(received, 25);
    EXPECT_EQ(world.shared.metrics.throttled.read(), 1U);
    world.pass(600ms);
    EXPECT_EQ(received, 26);
    std::string flood;
    for (int i = 0; i < 200; ++i) flood += text_frame("x");
    world.pass(1s);
    world.send(client, flood);
    EXPECT_EQ(world.shared.metrics.errors.read(errc::too_fast), 1U);
    EXPECT_TRUE(world.ended(client));
}

TEST(ws_rate, is_not_stretched_by_the_budget_of_a_turn) {
    ws_world world({.rate = receive_rate{20, 1'000'000}});
    const auto client = world.open();
    std::string burst;
    for (int i = 0; i < 2000; ++i) burst += text_frame("x");
    world.send(client, burst);
    EXPECT_TRUE(world.ended(client)) << "a hundred seconds ahead";
}

}  // namespace
}  // namespace weft::ws::test
