// Socket addresses as text, and the small pool for blocking work.

#include <weft/net/socket_address.hpp>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <set>

#include <gtest/gtest.h>

#include "net/worker_pool.hpp"

namespace weft {
namespace {

TEST(socket_address, reads_and_writes_numeric_addresses) {
    const auto v4 = socket_address::make("192.0.2.7", 8080);
    ASSERT_TRUE(v4);
    EXPECT_EQ(v4->address(), "192.0.2.7");
    EXPECT_EQ(v4->port(), 8080);
    EXPECT_EQ(v4->to_string(), "192.0.2.7:8080");
    const auto v6 = socket_address::make("2001:db8:0:0::1", 443);
    ASSERT_TRUE(v6);
    EXPECT_EQ(v6->address(), "2001:db8::1");
    EXPECT_EQ(v6->to_string(), "[2001:db8::1]:443");
    EXPECT_EQ(socket_address::make("2001:db8::1", 0)->to_string(), "2001:db8::1");
    for (const char* bad : {"", "localhost", "1.2.3", "1.2.3.256", "::g", "1.2.3.4 ", "[::1]",
                            "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb"}) {
        const auto made = socket_address::make(bad, 1);
        ASSERT_FALSE(made) << bad;
        EXPECT_EQ(made.error().code(), errc::invalid_argument);
    }
    EXPECT_FALSE(socket_address::make(std::string_view("1.2.3.4\0", 8), 1));
    EXPECT_EQ(v4->family(), address_family::ipv4);
    EXPECT_EQ(v6->family(), address_family::ipv6);
    EXPECT_EQ(socket_address().family(), address_family::none);
    EXPECT_EQ(socket_address().to_string(), "unknown");
    EXPECT_EQ(socket_address().port(), 0);
}

TEST(socket_address, knows_loopback) {
    for (const char* local : {"127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"}) {
        EXPECT_TRUE(socket_address::make(local, 1)->is_loopback()) << local;
    }
    for (const char* far : {"128.0.0.1", "0.0.0.0", "::", "::2", "::ffff:10.0.0.1"}) {
        EXPECT_FALSE(socket_address::make(far, 1)->is_loopback()) << far;
    }
    EXPECT_TRUE(socket_address::make_unix("/run/x")->is_loopback());
    EXPECT_FALSE(socket_address().is_loopback());
}

TEST(socket_address, network_is_what_one_client_has) {
    const auto network = [](const char* address) {
        return socket_address::make(address, 1)->network();
    };
    EXPECT_EQ(network("192.0.2.7"), 0xC000'0207U);
    EXPECT_EQ(network("::ffff:192.0.2.7"), network("192.0.2.7"));
    EXPECT_EQ(network("2001:db8::1"), network("2001:db8::ffff:1"));
    EXPECT_NE(network("2001:db8::1"), network("2001:db8:0:1::1"));
    EXPECT_FALSE(socket_address::make_unix("/run/x")->network());
    EXPECT_FALSE(socket_address().network());
}

TEST(socket_address, unix_sockets_have_paths_and_abstract_names) {
    const auto file = socket_address::make_unix("/run/weft.sock");
    ASSERT_TRUE(file);
    EXPECT_EQ(file->address(), "/run/weft.sock");
    EXPECT_EQ(file->to_string(), "unix:/run/weft.sock");
    EXPECT_EQ(file->port(), 0);
    const auto abstract = socket_address::make_unix("@weft");
    ASSERT_TRUE(abstract);
    EXPECT_EQ(abstract->address(), "@weft");
    EXPECT_TRUE(socket_address::make_unix(std::string(107, 'p')));
    EXPECT_EQ(socket_address::make_unix(std::string(107, 'p'))->address().size(), 107U);
    EXPECT_FALSE(socket_address::make_unix(std::string(108, 'p')));
    EXPECT_FALSE(socket_address::make_unix(""));
}

TEST(worker_pool, runs_every_job_on_a_few_threads) {
    std::mutex mutex;
    std::condition_variable changed;
    std::set<std::thread::id> threads;
    int ran = 0;
    net::worker_pool pool(3);
    for (int i = 0; i < 200; ++i) {
        pool.run([&] {
            const std::lock_guard lock(mutex);
            threads.insert(std::this_thread::get_id());
            ++ran;
            changed.notify_one();
        });
    }
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return ran == 200; });
    EXPECT_LE(threads.size(), 3U);
    EXPECT_EQ(threads.count(std::this_thread::get_id()), 0U);
}

TEST(worker_pool, blocked_job_does_not_hold_up_the_next) {
    std::atomic<bool> release{false}, ran{false};
    net::worker_pool pool(2);
    pool.run([&] { release.wait(false); });
    pool.run([&] {
        ran = true;
        ran.notify_one();
    });
    ran.wait(false);
    EXPECT_FALSE(release);
    release = true;
    release.notify_all();
}

TEST(worker_pool, destruction_waits_for_running_jobs_and_drops_queued_ones) {
    const auto token = std::make_shared<int>();
    std::atomic<bool> started{false}, release{false}, finished{false};
    std::thread later;
    {
        net::worker_pool pool(1);
        pool.run([&] {
            started = true;
            started.notify_one();
            release.wait(false);
            finished = true;
        });
        started.wait(false);
        pool.run([token] { FAIL() << "was queued"; });
        later = std::thread([&] {
            std::this_thread::yield();
            release = true;
            release.notify_one();
        });
    }
    later.join();
    EXPECT_TRUE(finished);
    EXPECT_EQ(token.use_count(), 1);
}

}  // namespace
}  // namespace weft
