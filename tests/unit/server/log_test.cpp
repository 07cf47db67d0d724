// What a server says of its life.

#include <algorithm>
#include <chrono>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include <weft/server/server.hpp>

#include "server_world.hpp"

namespace weft::test {
namespace {

class kept_log final : public log_sink {
public:
    void write(const log_record& record) noexcept override {
        const std::lock_guard lock(mutex_);
        lines_.push_back((record.level == log_level::info ? "info " : "") +
                         std::string(record.layer) + ": " + std::string(record.message));
    }
    [[nodiscard]] std::vector<std::string> lines() {
        const std::lock_guard lock(mutex_);
        return lines_;
    }
    [[nodiscard]] bool has_line(std::string_view begin) {
        const auto all = lines();
        return std::any_of(all.begin(), all.end(),
                           [&](const std::string& line) { return line.starts_with(begin); });
    }

private:
    std::mutex mutex_;
    std::vector<std::string> lines_;
};

TEST(server_log, tells_of_listening_reload_and_drain) {
    kept_log log;
    weft::server server({.log = &log});
    const auto port = server.listen({.host = "127.0.0.1", .port = 0});
    ASSERT_TRUE(port);
    ASSERT_TRUE(server.reload_certificates());
    server.loop(0).post([&] { server.drain(3s); });
    EXPECT_EQ(server.run(signal_handling::none), 0);
    EXPECT_EQ(log.lines(), (std::vector<std::string>{
                               "info server: listening on 127.0.0.1:" + std::to_string(*port),
                               "info server: a reload was asked for, but no listener has TLS",
                               "info server: drain began: what is open may take 3 s at the most",
                               "info server: drain is done: the server has ended"}));
}

TEST(server_log, tells_of_a_unix_socket_and_of_stopping) {
    kept_log log;
    weft::server server({.log = &log});
    ASSERT_TRUE(server.listen({.unix_path = "@weft-log-test"}));
    server.loop(0).post([&] { server.stop(); });
    EXPECT_EQ(server.run(signal_handling::none), 0);
    EXPECT_EQ(log.lines(), (std::vector<std::string>{"info server: listening on @weft-log-test",
                                                     "info server: the server has ended"}));
}

TEST(server_log, a_drain_that_cuts_says_how_many) {
    kept_log log;
    weft::server server({.log = &log});
    const auto port = server.listen({.host = "127.0.0.1", .port = 0});
    ASSERT_TRUE(port);
    http::responder kept;
    ASSERT_TRUE(server.http().get("/hangs", [&](const http::request&, http::responder answer) {
        kept = std::move(answer);
        server.drain(duration::zero());
    }));
    client visitor(*port);
    visitor.send("GET /hangs HTTP/1.1\r\nHost: h\r\n\r\n");
    EXPECT_EQ(server.run(signal_handling::none), 0);
    EXPECT_TRUE(log.has_line("server: drain ended at its deadline (drain_options::deadline): 1 "));
}

TEST(server_log, a_connection_too_many_names_its_option) {
    kept_log log;
    weft::server server({.max_connections = 1, .log = &log});
    const auto port = server.listen({.host = "127.0.0.1", .port = 0});
    ASSERT_TRUE(port);
    server.loop(0).every(1ms, [&] {
        if (log.has_line("net: a connection is closed at once: max_connections, from 127.0.0.1:"))
            server.stop();
    });
    const client first(*port);
    const client second(*port);
    EXPECT_EQ(server.run(signal_handling::none), 0);
}

}  // namespace
}  // namespace weft::test
