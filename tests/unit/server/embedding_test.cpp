// A server that another loop drives: here, poll(2) in the test. And what is registered too late.

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <poll.h>

#include <weft/socketio/client.hpp>
#include <weft/socketio/server.hpp>
#include <weft/ws/client.hpp>

#include "unit/server/server_world.hpp"

namespace weft::test {
namespace {

/// Drives a started server until `done`, sleeping in poll(2) only.
template <class Done>
bool drive(weft::server& server, Done done) {
    const auto give_up = std::chrono::steady_clock::now() + 20s;
    for (auto next = server.turn(); next && !done();) {
        const auto now = std::chrono::steady_clock::now();
        if (now > give_up) return false;
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(std::min(*next, give_up) - now);
        pollfd wait{server.descriptor(), POLLIN, 0};
        ::poll(&wait, 1, static_cast<int>(std::max<std::int64_t>(0, left.count())));
        next = server.turn();
    }
    return true;
}

class embedding : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(loops, embedding, testing::Values(1U, 3U));

TEST_P(embedding, a_server_and_its_clients_live_on_the_loop_of_the_program) {
    weft::server server(with_threads(GetParam()));
    server.ws("/ws").on_message([](auto& c, message_view what) { c.send(what); });
    socketio::server io(server);
    io.on("sum", [](socketio::socket&, int a, int b) { return a + b; });
    const auto port = server.listen(loopback());
    ASSERT_TRUE(port);
    ASSERT_TRUE(server.start());
    const auto again = server.start();
    ASSERT_FALSE(again);
    EXPECT_EQ(again.error().code(), condition::misuse);

    const std::string address = "127.0.0.1:" + std::to_string(*port);
    std::string echoed;
    ws::client feed(server.loop(0), {.url = "ws://" + address + "/ws"});
    feed.on_open([](auto& c) { c.send(std::string(300'000, 'x')); })
        .on_message([&](auto&, message_view what) { echoed = what.text(); });
    ASSERT_TRUE(feed.connect());
    int sum = 0;
    socketio::client asking(server.loop(0), {.url = "http://" + address});
    asking.socket().on_connect([&](socketio::client_socket& s) {
        s.emit_with_ack<int>("sum", 2, 3, [&](result<int> got) { sum = got ? *got : -1; });
    });
    int ticks = 0;
    const timer_ref timer = server.loop(0).every(1ms, [&] { ++ticks; });
    EXPECT_TRUE(drive(server, [&] { return echoed.size() == 300'000 && sum == 5 && ticks > 2; }));
    EXPECT_EQ(sum, 5);
    timer.cancel();

    // Outside of a turn: what is queued goes with the flush.
    echoed.clear();
    EXPECT_EQ(feed.send("once more"), send_status::sent);
    EXPECT_TRUE(server.flush());
    EXPECT_TRUE(drive(server, [&] { return echoed == "once more"; }));

    std::optional<ws::close_event> closed;
    feed.on_close([&](auto&, const ws::close_event& e) { closed = e; });
    server.drain(5s);
    EXPECT_TRUE(drive(server, [] { return false; })) << "the drain ended it";
    EXPECT_TRUE(closed && closed->code == ws::close_code::going_away);
    server.finish();
    EXPECT_TRUE(server.loop(0).ended());
    EXPECT_FALSE(server.start());
    EXPECT_EQ(server.run(signal_handling::none), 1);
}

TEST(embedding_alone, a_server_with_wrong_options_does_nothing) {
    weft::server server(with_threads(0));
    EXPECT_FALSE(server.start());
    EXPECT_EQ(server.descriptor(), -1);
    EXPECT_FALSE(server.turn());
    EXPECT_FALSE(server.flush());
    server.drain(1s);
    server.stop();
    server.finish();
}

TEST(embedding_alone, finishing_ends_all_loops_at_once) {
    std::vector<loop_ref> loops;
    {
        weft::server server(with_threads(3));
        server.sse("/events");
        ASSERT_TRUE(server.listen(loopback()));
        ASSERT_TRUE(server.start());
        for (unsigned i = 0; i < 3; ++i) loops.push_back(server.loop(i));
        (void)server.turn();
        server.finish();
        EXPECT_NE(server.metrics_text().find("weft_sse_opened_total"), std::string::npos)
            << "what was counted can be read still";
    }
    for (const loop_ref& one : loops) EXPECT_FALSE(one.post([] {}));
}

/// A client of each kind that was never used, that connects, and that is connected.
TEST(embedding_alone, clients_outlive_the_loop_and_do_nothing_then) {
    auto server = std::make_unique<weft::server>(with_threads(1));
    server->ws("/ws");
    std::optional<socketio::server> io(*server);
    io->on("never", [](socketio::socket&, socketio::ack) {});
    const auto port = server->listen(loopback());
    ASSERT_TRUE(port);
    ASSERT_TRUE(server->start());
    const loop_ref loop = server->loop(0);
    const std::string address = "127.0.0.1:" + std::to_string(*port);
    std::vector<std::unique_ptr<ws::client>> feeds;
    std::vector<std::unique_ptr<socketio::client>> asking;
    const auto add = [&] {
        feeds.push_back(std::make_unique<ws::client>(
            loop, ws::client_options{.url = "ws://" + address + "/ws"}));
        for (const auto first :
             {engineio::transport_kind::websocket, engineio::transport_kind::polling}) {
            asking.push_back(std::make_unique<socketio::client>(
                loop,
                socketio::client_options{
                    .url = "http://" + address, .transports = {first}, .auto_connect = false}));
        }
    };
    const auto connect = [&](std::size_t from) {
        for (std::size_t i = from; i < feeds.size(); ++i) EXPECT_TRUE(feeds[i]->connect());
        for (std::size_t i = 2 * from; i < asking.size(); ++i) {
            (void)asking[i]->socket();
            EXPECT_TRUE(asking[i]->connect());
        }
    };
    add();
    connect(0);
    EXPECT_TRUE(drive(*server, [&] {
        return feeds[0]->state() == ws::client_state::open && asking[0]->socket().connected() &&
               asking[1]->socket().connected();
    }));
    const auto token = std::make_shared<int>();
    for (auto& one : asking)
        one->socket().emit_with_ack<int>("never", [token](result<int> n) { EXPECT_FALSE(n); });
    add();
    connect(1);
    add();
    io.reset();
    server.reset();
    EXPECT_TRUE(loop.ended());

    for (auto& feed : feeds) {
        EXPECT_FALSE(feed->connect());
        EXPECT_NE(feed->send("late"), send_status::sent);
        feed->close(ws::close_code::normal);
        EXPECT_FALSE(feed->retry_in());
    }
    for (auto& one : asking) {
        socketio::client_socket& socket = one->socket();
        EXPECT_FALSE(one->connect());
        EXPECT_FALSE(socket.connect());
        EXPECT_EQ(socket.emit("late"), send_status::misuse);
        EXPECT_EQ(socket.ref().emit("late"), send_status::closed);
        one->of("/late");
        socket.disconnect();
        one->disconnect();
    }
    feeds.clear();
    asking.clear();
    EXPECT_EQ(token.use_count(), 1) << "an answer is waited for still";
}

struct lines final : log_sink {
    void write(const log_record& record) noexcept override {
        const std::lock_guard lock(mutex);
        all.emplace_back(record.message);
    }
    std::mutex mutex;
    std::vector<std::string> all;
};

TEST(registration, is_refused_while_the_server_runs) {
    lines log;
    server_options options;
    options.log = &log;
    weft::server server(options);
    auto& endpoint = server.ws("/ws");
    endpoint.on_message([](auto& c, message_view what) { c.send(what); });
    socketio::server io(server);
    const auto port = server.listen(loopback());
    ASSERT_TRUE(port);
    ASSERT_TRUE(server.start());
    log.all.clear();

    const auto route = server.http().get(
        "/late", [](const http::request&) { return http::response::text(200, "?"); });
    ASSERT_FALSE(route);
    EXPECT_EQ(route.error().code(), condition::misuse);
    const auto listening = server.listen(loopback());
    ASSERT_FALSE(listening);
    EXPECT_EQ(listening.error().code(), condition::misuse);
    EXPECT_TRUE(log.all.empty());

    endpoint.on_message([](auto&, message_view) { FAIL(); });
    server.ws("/late").on_open([](auto&) { FAIL(); });
    io.on("late", [](socketio::socket&) { FAIL(); });
    io.use([](socketio::socket&) { return true; });
    EXPECT_EQ(&io.of("/late").on_connect([](socketio::socket&) { FAIL(); }), &io.of("/later"));
    io.of_matching("/late-*");
    EXPECT_EQ(log.all.size(), 8U);
    for (const std::string& line : log.all)
        EXPECT_NE(line.find("before the server runs"), std::string::npos) << line;

    std::string echoed;
    ws::client feed(server.loop(0), {.url = "ws://127.0.0.1:" + std::to_string(*port) + "/ws"});
    feed.on_open([](auto& c) { c.send("hi"); }).on_message([&](auto&, message_view what) {
        echoed = what.text();
    });
    ASSERT_TRUE(feed.connect());
    EXPECT_TRUE(drive(server, [&] { return echoed == "hi"; }));
    server.finish();
}

}  // namespace
}  // namespace weft::test
