// What a server tells of what is open: the slowest readers, the largest topics.

#include <gtest/gtest.h>

#include <weft/net/access.hpp>
#include <weft/net/awaitable.hpp>
#include <weft/server/server.hpp>

#include "server_world.hpp"

namespace weft::test {
namespace {

class no_access final : public access_sink {
public:
    void write(const access_record&) noexcept override {}
};

class server_reports : public testing::TestWithParam<unsigned> {
protected:
    server_reports() {
        ws::options patient;
        patient.max_queue = 64 * 1024 * 1024;
        s.ws("/ws/:topic", patient)
            .on_accept([](const http::handshake& asked) -> admission<void> {
                return identity{std::string(asked.param("topic"))};
            })
            .on_open([this](auto& c, const http::handshake& asked) {
                c.subscribe(asked.param("topic"));
                opened.put(1);
            });
    }
    void begin() {
        port_ = *s.listen(loopback());
        running_.emplace(s);
    }
    client& open(std::string_view topic, std::string_view path = "/ws/") {
        clients_.push_back(std::make_unique<client>(port_));
        clients_.back()->send("GET " + std::string(path) + std::string(topic) +
                              "?secret HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\n"
                              "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
        EXPECT_TRUE(clients_.back()->head().starts_with("HTTP/1.1 101 "));
        (void)opened.wait_for(clients_.size());
        return *clients_.back();
    }
    /// What comes of a report, asked for on the first loop.
    template <class T>
    std::vector<T> wait_for(task<std::vector<T>> (server::*report)(std::size_t), std::size_t most) {
        inbox<std::vector<T>> came;
        spawn(s.loop(0), ask(came, report, most));
        return came.wait_for(1).front();
    }

    no_access sink;
    server s{[this] {
        server_options options = with_threads(GetParam());
        options.access = &sink;
        return options;
    }()};
    inbox<int> opened;

private:
    template <class T>
    task<void> ask(inbox<std::vector<T>>& into, task<std::vector<T>> (server::*report)(std::size_t),
                   std::size_t most) {
        auto found = co_await (s.*report)(most);
        EXPECT_TRUE(s.loop(0).in_loop_thread()) << "it comes back to where it was asked";
        into.put(std::move(found));
    }

    std::uint16_t port_ = 0;
    std::vector<std::unique_ptr<client>> clients_;
    std::optional<running> running_;
};
INSTANTIATE_TEST_SUITE_P(loops, server_reports, testing::Values(1U, 3U));

TEST_P(server_reports, nobody_and_nothing) {
    begin();
    EXPECT_TRUE(wait_for(&server::slowest_connections, 10).empty());
    EXPECT_TRUE(wait_for(&server::largest_topics, 10).empty());
}

TEST_P(server_reports, the_slowest_reader_is_first) {
    begin();
    for (int i = 0; i < 9; ++i) open("quick");
    open("slow");
    const std::string much(256 * 1024, 'x');
    for (int i = 0; i < 64; ++i) s.publish("slow", message::text(much));
    std::vector<connection_report> found;
    do {
        found = wait_for(&server::slowest_connections, 3);
        ASSERT_EQ(found.size(), 3U);
    } while (found[0].queued == 0);
    EXPECT_EQ(found[0].kind, "websocket");
    EXPECT_EQ(found[0].subject, "slow");
    EXPECT_EQ(found[0].path, "/ws/slow");
    EXPECT_TRUE(found[0].address.starts_with("127.0.0.1:"));
    ASSERT_TRUE(found[0].age);
    EXPECT_GT(*found[0].age, duration::zero());
    EXPECT_EQ(found[1].queued, 0U);
    EXPECT_EQ(found[1].subject, "quick");
    EXPECT_GE(*found[1].age, *found[2].age) << "of several the older first";
    EXPECT_EQ(wait_for(&server::slowest_connections, 1000).size(), 10U);
    EXPECT_TRUE(wait_for(&server::slowest_connections, 0).empty());
}

TEST_P(server_reports, topics_are_counted_over_all_loops) {
    begin();
    for (int i = 0; i < 7; ++i) open("large");
    for (int i = 0; i < 3; ++i) open("middle");
    open("small");
    const auto found = wait_for(&server::largest_topics, 100);
    ASSERT_EQ(found.size(), 3U);
    EXPECT_EQ(found[0].name, "large");
    EXPECT_EQ(found[0].subscribers, 7U);
    EXPECT_FALSE(found[0].room);
    EXPECT_EQ(found[1].name, "middle");
    EXPECT_EQ(found[1].subscribers, 3U);
    EXPECT_EQ(found[2].subscribers, 1U);
    EXPECT_EQ(wait_for(&server::largest_topics, 1).front().name, "large");
    EXPECT_TRUE(wait_for(&server::largest_topics, 0).empty());
}

TEST_P(server_reports, more_topics_than_a_turn_looks_at) {
    s.ws("/many/:topic").on_open([this](auto& c, const http::handshake&) {
        for (int i = 0; i < 5000; ++i) c.subscribe("topic " + std::to_string(i));
        opened.put(1);
    });
    begin();
    open("last", "/many/");
    open("two");
    open("two");
    const auto found = wait_for(&server::largest_topics, 2);
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0].name, "two");
    EXPECT_EQ(found[0].subscribers, 2U);
    EXPECT_EQ(wait_for(&server::largest_topics, 10'000).size(), 5001U);
}

TEST(server_ready, not_while_memory_is_short) {
    server_options options;
    options.log = nullptr;
    options.memory_limit = 1;
    server s(std::move(options));
    const auto port = s.listen(loopback());
    ASSERT_TRUE(port);
    running run(s);
    while (!s.ready()) std::this_thread::yield();  // it starts
    // What connections take is told to the process' account in steps of 64 KiB.
    std::vector<client> many;
    for (int i = 0; i < 400; ++i) many.emplace_back(*port);
    const auto until = std::chrono::steady_clock::now() + 10s;
    while (s.ready() && std::chrono::steady_clock::now() < until) std::this_thread::yield();
    ASSERT_FALSE(s.ready());
    EXPECT_EQ(s.ready().error().code(), std::errc::not_enough_memory);
}

}  // namespace
}  // namespace weft::test
