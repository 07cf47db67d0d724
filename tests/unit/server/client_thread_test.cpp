// A Socket.IO client with a thread of its own, used by several others, over real sockets.

#include <weft/socketio/client_thread.hpp>

#include <algorithm>
#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <weft/socketio/server.hpp>

#include "unit/server/server_world.hpp"

namespace weft::test {
namespace {

using namespace socketio;

struct client_thread_test : testing::Test {
    client_thread_test() : below(with_threads(2)), io(below) {
        io.on("echo", [](int n) { return n; });
        io.on("never", [](ack answer) { static_cast<void>(answer); });
        io.on_disconnect([this](socketio::socket&, disconnect_reason why) { left.put(why); });
        const auto port = below.listen(loopback());
        EXPECT_TRUE(port);
        url = "http://127.0.0.1:" + std::to_string(*port);
        run = std::make_unique<running>(below);
    }

    weft::server below;
    socketio::server io;
    std::string url;
    inbox<disconnect_reason> left;
    std::unique_ptr<running> run;
};

TEST_F(client_thread_test, answers_the_questions_of_many_threads) {
    constexpr int askers = 4, questions = 100;
    auto own = client_thread::make({.url = url});
    ASSERT_TRUE(own);
    const client_thread& shared = **own;
    inbox<int> answers;
    std::vector<std::thread> threads;
    for (int who = 0; who < askers; ++who) {
        threads.emplace_back([&, who] {
            for (int i = 0; i < questions; ++i) {
                shared.emit_with_ack<int>("echo", who * questions + i,
                                          [&](result<int> n) { answers.put(n ? *n : -1); });
            }
        });
    }
    for (std::thread& one : threads) one.join();
    auto all = answers.wait_for(askers * questions);
    std::sort(all.begin(), all.end());
    for (int i = 0; i < askers * questions; ++i) EXPECT_EQ(all[static_cast<std::size_t>(i)], i);
}

TEST_F(client_thread_test, handlers_come_and_go_on_its_thread) {
    inbox<std::string> seen;
    auto own = client_thread::make({.url = url}, [&](socketio::client& c) {
        c.socket().on_connect([&](client_socket& me) {
            me.emit("echo", 1);
            seen.put("connect");
        });
        c.on_upgrade([&](std::string_view to) { seen.put(std::string(to)); });
    });
    ASSERT_TRUE(own);
    EXPECT_THAT(seen.wait_for(2), testing::UnorderedElementsAre("connect", "websocket"));
    (*own)->with([&](socketio::client& c) {
        c.socket().once("hi", [&](std::string who) { seen.put("hi " + who); });
        c.socket().on_any_outgoing([&](client_socket&, std::string_view event,
                                       const raw_arguments&) { seen.put(std::string(event)); });
        c.socket().emit("out");
    });
    EXPECT_EQ(seen.wait_for(3).back(), "out");
    io.emit("hi", "you");
    EXPECT_EQ(seen.wait_for(4).back(), "hi you");
}

/// Keeps what is logged, from any thread.
class line_inbox final : public log_sink {
public:
    void write(const log_record& record) noexcept override {
        lines.put(std::string(record.layer) + ": " + std::string(record.message));
    }
    inbox<std::string> lines;
};

TEST_F(client_thread_test, a_set_up_that_throws_ends_the_client_and_nothing_else) {
    line_inbox log;
    auto own = client_thread::make(
        {.url = url}, [](socketio::client&) { throw std::runtime_error("a user's mistake"); }, {},
        {.log = &log});
    ASSERT_TRUE(own);
    EXPECT_THAT(log.lines.wait_for(1),
                testing::ElementsAre("socketio: set_up threw: a user's mistake"));
    own->reset();
    EXPECT_EQ(io.clients_count(), 0U) << "it never connected";
}

TEST_F(client_thread_test, goes_while_questions_wait_and_names_are_in_use) {
    for (int round = 0; round < 5; ++round) {
        auto own = client_thread::make({.url = url});
        ASSERT_TRUE(own);
        const client_socket_ref name = (*own)->socket();
        inbox<int> asked;
        name.emit_with_ack<int>("echo", 1, [&](result<int>) { asked.put(1); });
        asked.wait_for(1);
        std::atomic<bool> over = false;
        std::thread user([&] {
            while (!over) {
                name.emit("echo", 2);
                name.emit_with_ack<int>("never", [](result<int>) {});
                std::this_thread::yield();
            }
        });
        own->reset();
        over = true;
        user.join();
        EXPECT_EQ(name.emit("echo", 3), send_status::closed);
    }
    for (const disconnect_reason why : left.wait_for(5)) {
        EXPECT_EQ(why, disconnect_reason::client_namespace_disconnect);
    }
}

}  // namespace
}  // namespace weft::test
