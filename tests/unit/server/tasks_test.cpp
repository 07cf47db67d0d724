// What a program does beside its handlers: tasks on the server's loops, and other threads that
// speak to its clients. Run under TSan, too.

#include "server_world.hpp"

#include <array>
#include <memory>
#include <set>
#include <stdexcept>

#include <weft/net/awaitable.hpp>
#include <weft/socketio/server.hpp>

namespace weft::test {
namespace {

class server_tasks : public testing::TestWithParam<unsigned> {};
INSTANTIATE_TEST_SUITE_P(loops, server_tasks, testing::Values(1U, 3U));

using where = std::pair<unsigned, std::thread::id>;

task<void> report_twice(loop_ref loop, unsigned index, inbox<where>& box) {
    box.put({index, std::this_thread::get_id()});
    co_await sleep_for(loop, 1ms);
    box.put({index, std::this_thread::get_id()});
}

task<void> sleep_for_ever(loop_ref loop, std::shared_ptr<int> witness) {
    for (;;) {
        co_await sleep_for(loop, 1h);
        ++*witness;
    }
}

TEST_P(server_tasks, run_on_their_loop_from_before_it_runs_until_it_ends) {
    inbox<where> box;
    const auto witness = std::make_shared<int>(0);
    server s(with_threads(GetParam()));
    for (unsigned i = 0; i < s.loops(); ++i) {
        EXPECT_TRUE(spawn(s.loop(i), report_twice(s.loop(i), i, box)));
        EXPECT_TRUE(spawn(s.loop(i), sleep_for_ever(s.loop(i), witness)));
    }
    EXPECT_EQ(witness.use_count(), 1 + static_cast<long>(s.loops()));
    {
        running run(s);
        (void)box.wait_for(std::size_t{2} * s.loops());
        for (unsigned i = 0; i < s.loops(); ++i) spawn(s.loop(i), report_twice(s.loop(i), i, box));
        std::set<where> distinct;
        for (const where& one : box.wait_for(std::size_t{4} * s.loops())) distinct.insert(one);
        EXPECT_EQ(distinct.size(), s.loops());
    }
    EXPECT_EQ(witness.use_count(), 1) << "a task outlived its loop";
    EXPECT_FALSE(spawn(s.loop(0), sleep_for_ever(s.loop(0), witness)));
    EXPECT_EQ(witness.use_count(), 1);
    EXPECT_FALSE(spawn(s.loop(200), sleep_for_ever(s.loop(200), witness)));
}

TEST(server_task, what_it_throws_is_logged_and_the_loop_goes_on) {
    struct : log_sink {
        void write(const log_record& record) noexcept override {
            lines.put(std::string(record.message));
        }
        inbox<std::string> lines;
    } log;
    server s({.log = &log});
    running run(s);
    spawn(s.loop(0), [](loop_ref loop) -> task<void> {
        co_await sleep_for(loop, 1ms);
        throw std::runtime_error("no more symbols");
    }(s.loop(0)));
    EXPECT_EQ(log.lines.wait_for(1).front(), "a task threw: no more symbols");
    inbox<int> done;
    EXPECT_TRUE(s.loop(0).post([&] { done.put(1); }));
    (void)done.wait_for(1);
}

TEST_P(server_tasks, threads_speak_to_clients_in_the_order_of_each) {
    constexpr int speakers = 3, words = 50;
    server s(with_threads(GetParam()));
    socketio::server io(s);
    inbox<int> joined;
    io.on_connect([&](socketio::socket& c) {
        c.join("room");
        joined.put(1);
    });
    const auto port = s.listen(loopback());
    ASSERT_TRUE(port);
    running run(s);
    std::vector<client> clients;
    for (int i = 0; i < 4; ++i) {
        clients.emplace_back(*port);
        clients.back().send(
            "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: here\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
        ASSERT_TRUE(clients.back().head().starts_with("HTTP/1.1 101 "));
        clients.back().send(text_frame("40"));
    }
    (void)joined.wait_for(clients.size());
    std::vector<std::thread> threads;
    for (int t = 0; t < speakers; ++t) {
        threads.emplace_back([&io, t] {
            for (int i = 0; i < words; ++i) io.to("room").emit("said", t, i);
        });
    }
    for (std::thread& t : threads) t.join();
    for (client& c : clients) {
        std::array<int, speakers> next{};
        for (int got = 0; got < speakers * words;) {
            const std::string payload = c.frame().payload;
            ASSERT_NE(payload, "end");
            if (!payload.starts_with("42[\"said\",")) continue;
            const auto speaker = static_cast<std::size_t>(payload[10] - '0');
            EXPECT_EQ(payload, "42[\"said\"," + std::to_string(speaker) + "," +
                                   std::to_string(next.at(speaker)++) + "]");
            ++got;
        }
    }
}

}  // namespace
}  // namespace weft::test
