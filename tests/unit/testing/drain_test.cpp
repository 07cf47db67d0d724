// How a server ends: whom it lets go when, and what they are told. The clock is the test's.

#include <weft/testing/world.hpp>

#include <algorithm>
#include <charconv>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <weft/http/router.hpp>
#include <weft/socketio/client.hpp>
#include <weft/socketio/server.hpp>
#include <weft/sse/endpoint.hpp>
#include <weft/ws/client.hpp>
#include <weft/ws/endpoint.hpp>

namespace weft {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

/// WebSocket clients that do not come back, and how each of them ended.
class crowd {
public:
    struct farewell {
        time_point when;
        ws::close_code code;
        std::string reason;
        bool clean;
    };

    crowd(test_world& world, std::size_t size, std::string_view path = "/ws") : world_(world) {
        for (std::size_t i = 0; i < size; ++i) {
            ws::client_options options{.url = test_world::url(path)};
            options.reconnect.reset();
            auto& one = clients_.emplace_back(
                std::make_unique<ws::client>(world.loop(), std::move(options)));
            one->on_message([this](auto&, message_view text) { heard_ += text.size(); });
            one->on_close([this](auto&, const ws::close_event& how) {
                ended_.push_back({world_.now(), how.code, std::string(how.reason), how.clean});
            });
            EXPECT_TRUE(one->connect());
        }
        world.run();
    }

    [[nodiscard]] const std::vector<farewell>& ended() const noexcept { return ended_; }
    [[nodiscard]] std::size_t heard() const noexcept { return heard_; }
    [[nodiscard]] std::size_t still_open() const {
        return static_cast<std::size_t>(std::count_if(clients_.begin(), clients_.end(),
                                                      [](const auto& c) { return c->is_open(); }));
    }

private:
    test_world& world_;
    std::vector<std::unique_ptr<ws::client>> clients_;
    std::vector<farewell> ended_;
    std::size_t heard_ = 0;
};

/// The milliseconds that a reason tells to wait; 0: it tells none.
long retry_after(std::string_view reason) {
    constexpr std::string_view words = "retry after ";
    const std::size_t at = reason.find(words);
    long wait = 0;
    if (at != reason.npos) std::from_chars(reason.data() + at + words.size(), reason.end(), wait);
    return wait;
}

TEST(a_drain, closes_at_an_even_rate_over_its_window) {
    test_world w;
    w.server().ws("/ws");
    ASSERT_TRUE(w.start());
    crowd all(w, 500);
    ASSERT_TRUE(w.server().drain({.window = 10s, .deadline = 20s}));
    w.run();
    const time_point began = w.now();
    EXPECT_LT(all.ended().size(), 2U);
    w.pass(10s + 5ms);
    ASSERT_EQ(all.ended().size(), 500U);
    // 50 in each second; and never more than that, wherever the second begins.
    std::vector<duration> ends;
    for (const auto& each : all.ended()) {
        EXPECT_EQ(each.code, ws::close_code::going_away);
        EXPECT_EQ(each.reason, "server shutting down");
        EXPECT_TRUE(each.clean);
        ends.push_back(each.when - began);
    }
    for (std::size_t i = 0; i + 52 < ends.size(); ++i) EXPECT_GE(ends[i + 52] - ends[i], 1s) << i;
    for (std::size_t i = 0; i < ends.size(); ++i) {
        const duration due = 20ms * (i + 1);
        EXPECT_GE(ends[i], due - 1ms) << i;
        EXPECT_LE(ends[i], due + 41ms) << i;
    }
}

TEST(a_drain, does_not_wait_for_those_who_have_gone) {
    for (const std::size_t clients : {0U, 1U, 20U}) {
        test_world w;
        w.server().ws("/ws");
        ASSERT_TRUE(w.start());
        auto all = std::make_unique<crowd>(w, clients);
        ASSERT_TRUE(w.server().drain({.window = 1min, .deadline = 2min}));
        w.pass(10s);
        all.reset();
        w.pass(5s);
        EXPECT_FALSE(w.server().turn()) << "it has ended";
    }
}

TEST(a_drain, does_not_close_in_step) {
    test_world w;
    w.server().ws("/ws");
    ASSERT_TRUE(w.start());
    crowd all(w, 40);
    ASSERT_TRUE(w.server().drain({.window = 40s, .deadline = 50s}));
    w.pass(40s + 5ms);
    std::set<duration> pauses;
    ASSERT_EQ(all.ended().size(), 40U);
    for (std::size_t i = 1; i < 40; ++i)
        pauses.insert(all.ended()[i].when - all.ended()[i - 1].when);
    EXPECT_GT(pauses.size(), 20U);
}

TEST(a_drain, without_a_window_closes_all_at_once_but_never_so_many_that_the_loop_stands_still) {
    test_world w;
    w.server().ws("/ws");
    ASSERT_TRUE(w.start());
    crowd all(w, 1000);
    w.server().drain(10s);
    const time_point began = w.now();
    w.pass(20ms);
    ASSERT_EQ(all.ended().size(), 1000U);
    EXPECT_LE(all.ended().back().when - began, 16ms);
    std::vector<int> in_millisecond(17);
    for (const auto& each : all.ended())
        ++in_millisecond[static_cast<std::size_t>((each.when - began) / 1ms)];
    for (const int closed : in_millisecond) EXPECT_LE(closed, 64);
}

TEST(a_drain, first_waits_for_load_balancers_and_serves_on) {
    test_world w;
    w.server().ws("/ws").on_message([](auto& c, message_view what) { c.send(what); });
    (void)w.server().http().get(
        "/", [](const http::request&) { return http::response::text(200, "here"); });
    ASSERT_TRUE(w.start());
    crowd old(w, 3);
    EXPECT_TRUE(w.server().ready());
    ASSERT_TRUE(w.server().drain({.not_ready_for = 5s}));
    EXPECT_FALSE(w.server().ready());
    w.pass(4900ms);
    EXPECT_EQ(old.still_open(), 3U);
    const crowd late(w, 1);
    EXPECT_EQ(late.still_open(), 1U) << "accepted while load balancers may not know yet";
    const auto answer = w.ask({});
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->header("Connection"), "");
    w.pass(200ms);
    EXPECT_EQ(old.ended().size(), 3U);
    EXPECT_EQ(late.ended().size(), 1U);
}

TEST(a_drain, tells_each_another_time_to_come_back) {
    test_world w;
    w.server().ws("/ws");
    ASSERT_TRUE(w.start());
    const crowd all(w, 100);
    ASSERT_TRUE(w.server().drain({.retry_within = 10s}));
    w.pass(10ms);
    ASSERT_EQ(all.ended().size(), 100U);
    std::vector<int> in_second(10);
    for (const auto& each : all.ended()) {
        EXPECT_THAT(each.reason, testing::StartsWith("server shutting down, retry after "));
        const long wait = retry_after(each.reason);
        ASSERT_GT(wait, 0);
        ASSERT_LT(wait, 10'000);
        ++in_second[static_cast<std::size_t>(wait / 1000)];
    }
    for (const int comebacks : in_second) EXPECT_NEAR(comebacks, 10, 2);
}

TEST(a_drain, lets_what_is_queued_arrive) {
    test_world w;
    w.server().ws("/ws").on_open([](auto& c) { c.subscribe("news"); });
    ASSERT_TRUE(w.start());
    const crowd all(w, 10);
    w.server().publish("news", std::string(300'000, 'n'));
    w.server().drain(10s);
    w.pass(1s);
    EXPECT_EQ(all.heard(), 10U * 300'000U);
    EXPECT_EQ(all.ended().size(), 10U);
}

TEST(a_drain, tells_event_streams_when_to_come_back) {
    test_world w;
    w.server().sse("/events").on_open([&w](sse::stream& stream, const http::request&) {
        stream.send({.data = "hello"});
        ASSERT_TRUE(w.server().drain({.retry_within = 3s}));
    });
    ASSERT_TRUE(w.start());
    const auto stream = w.ask({.target = "/events"});
    ASSERT_TRUE(stream) << stream.error().message();
    EXPECT_THAT(stream->body, testing::StartsWith("data: hello\n\nretry: "));
}

/// Socket.IO clients that do not come back, and when each of them was let go.
struct socketio_crowd {
    socketio_crowd(test_world& world, std::size_t size, engineio::transport_kind by) {
        for (std::size_t i = 0; i < size; ++i) {
            socketio::client_options options;
            options.url = test_world::url();
            options.reconnection = false;
            options.transports = {by};
            options.upgrade = false;
            auto& one = clients.emplace_back(
                std::make_unique<socketio::client>(world.loop(), std::move(options)));
            one->socket().on("news", [this](const std::string& text) { heard += text.size(); });
            one->socket().on_disconnect([&](auto&, const socketio::client_disconnect& how) {
                ended.push_back(world.now());
                if (how.reason == socketio::client_disconnect_reason::transport_close) ++told;
            });
        }
        world.run();
    }
    std::vector<std::unique_ptr<socketio::client>> clients;
    std::vector<time_point> ended;
    std::size_t told = 0;  // by a packet, or the end of the WebSocket
    std::size_t heard = 0;
};

TEST(a_drain, closes_clients_of_every_kind_once_and_at_one_rate) {
    test_world w;
    w.server().ws("/ws");
    socketio::server io{w.server()};
    ASSERT_TRUE(w.start());
    const crowd plain(w, 100);
    const socketio_crowd polling(w, 100, engineio::transport_kind::polling);
    const socketio_crowd sockets(w, 100, engineio::transport_kind::websocket);
    ASSERT_EQ(io.clients_count(), 200U);
    const time_point began = w.now();
    ASSERT_TRUE(w.server().drain({.window = 3s, .deadline = 10s}));
    for (int second = 1; second <= 3; ++second) {
        w.pass(began + 1s * second + 5ms - w.now());
        EXPECT_NEAR(
            static_cast<double>(plain.ended().size() + polling.ended.size() + sockets.ended.size()),
            100.0 * second, 2.0);
    }
    EXPECT_EQ(plain.ended().size(), 100U);
    EXPECT_EQ(polling.told, 100U);
    EXPECT_EQ(sockets.told, 100U);
}

// A poll that ends may need a new connection for the next one, and that one brings the close.
TEST(a_drain, serves_polls_until_the_last_session_was_told) {
    test_world w;
    w.server().ws("/ws");
    socketio::server io{w.server()};
    ASSERT_TRUE(w.start());
    const socketio_crowd polling(w, 10, engineio::transport_kind::polling);
    ASSERT_TRUE(w.server().drain({.window = 10s, .deadline = 20s, .retry_within = 1min}));
    w.pass(500ms);
    ASSERT_EQ(polling.ended.size(), 0U);
    io.emit("news", std::string(1000, 'n'));
    w.run();
    io.emit("news", std::string(1000, 'n'));
    w.run();
    EXPECT_EQ(polling.heard, 20'000U);

    int status = 0;
    std::string retry_after;
    ws::client late(w.loop(), {.url = test_world::url("/ws")});
    late.on_failure([&](auto&, const ws::connect_failure& why) {
        status = why.status;
        if (why.response != nullptr) retry_after = why.response->head.header("Retry-After");
    });
    ASSERT_TRUE(late.connect());
    w.run();
    EXPECT_EQ(status, 503);
    EXPECT_NE(retry_after, "");
    const auto newcomer = w.ask({.target = "/socket.io/?EIO=4&transport=polling"});
    ASSERT_TRUE(newcomer);
    EXPECT_EQ(newcomer->status, 503);
    EXPECT_NE(newcomer->header("Retry-After"), "");
    w.pass(9600ms);
    EXPECT_EQ(polling.told, 10U);
}

TEST(a_drain, counts_once) {
    test_world w;
    w.server().ws("/ws");
    ASSERT_TRUE(w.start());
    const crowd all(w, 10);
    ASSERT_TRUE(w.server().drain({.window = 10s, .deadline = 20s}));
    w.server().drain(0s);
    w.pass(5s);
    EXPECT_NEAR(static_cast<double>(all.ended().size()), 5, 2);
}

TEST(a_drain, refuses_options_that_contradict_each_other) {
    test_world w;
    ASSERT_TRUE(w.start());
    const auto refused = w.server().drain({.window = 10s, .deadline = 5s});
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message(), HasSubstr("drain_options::deadline"));
    EXPECT_TRUE(w.server().ready());
}

}  // namespace
}  // namespace weft
