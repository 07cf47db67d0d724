// Tasks from many threads to one: order, wake-ups, closing. Run under ThreadSanitizer.

#include "net/mailbox.hpp"

#include <array>
#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "net/backend/backend.hpp"
#include "net/loop_core.hpp"

namespace weft::net {
namespace {

/// Only counts its wake-ups.
class counting_backend final : public backend {
public:
    std::atomic<int> wakes{0};
    void wake() noexcept override { wakes.fetch_add(1); }

    time_point now() const noexcept override { return {}; }
    void wait(duration, event_sink&) noexcept override {}
    result<int> listen(const listen_options&) override { return errc::not_supported; }
    result<socket_address> local_address(int) override { return errc::not_supported; }
    io_result accept(int, int&, socket_address&) noexcept override { return {}; }
    result<int> connect(const socket_address&) override { return errc::not_supported; }
    std::size_t undelivered(int) noexcept override { return 0; }
    std::error_code take_error(int) noexcept override { return {}; }
    std::error_code watch_listener(int, io_token) noexcept override { return {}; }
    void pause_listener(int, io_token, bool) noexcept override {}
    std::error_code watch_stream(int, io_token) noexcept override { return {}; }
    std::size_t unwatch(int) noexcept override { return 0; }
    receive_result receive(int, byte_span) noexcept override { return {}; }
    io_result send(int, std::span<const iovec>) noexcept override { return {}; }
    io_result send_now(int, std::span<const iovec>) noexcept override { return {}; }
    void finish_sends(event_sink&) noexcept override {}
    void shutdown(int) noexcept override {}
    void close(int) noexcept override {}
    void reset(int) noexcept override {}
    bool shed_connection(int) noexcept override { return false; }
};

constexpr auto run = [](unique_function<void()>& task) {
    task();
    return true;
};

TEST(mailbox, runs_in_order_and_wakes_once_per_edge) {
    counting_backend waker;
    mailbox mail(waker);
    std::vector<int> order;
    EXPECT_TRUE(mail.empty());
    for (int i = 0; i < 100; ++i) EXPECT_TRUE(mail.push([&, i] { order.push_back(i); }));
    EXPECT_EQ(waker.wakes, 1);
    EXPECT_FALSE(mail.empty());
    EXPECT_EQ(mail.drain(30, run), 30U);
    EXPECT_FALSE(mail.empty());
    EXPECT_TRUE(mail.push([&] { order.push_back(100); }));
    EXPECT_EQ(waker.wakes, 2) << "the stack had been taken";
    EXPECT_EQ(mail.drain(1000, run), 70U);
    EXPECT_EQ(mail.drain(1000, run), 1U);
    EXPECT_TRUE(mail.empty());
    for (int i = 0; i < 101; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

TEST(mailbox, what_a_task_posts_runs_in_the_next_turn) {
    counting_backend waker;
    mailbox mail(waker);
    int ran = 0;
    mail.push([&] {
        ++ran;
        mail.push([&] { ++ran; });
    });
    EXPECT_EQ(mail.drain(10, run), 1U);
    EXPECT_EQ(ran, 1);
    EXPECT_FALSE(mail.empty());
    EXPECT_EQ(mail.drain(10, run), 1U);
    EXPECT_EQ(ran, 2);
}

TEST(mailbox, closed_destroys_and_refuses) {
    counting_backend waker;
    const auto token = std::make_shared<int>();
    mailbox mail(waker);
    for (int i = 0; i < 10; ++i) mail.push([token] {});
    mail.drain(5, run);
    EXPECT_EQ(token.use_count(), 6);
    mail.close();
    EXPECT_EQ(token.use_count(), 1);
    EXPECT_FALSE(mail.push([token] {}));
    EXPECT_EQ(token.use_count(), 1);
    EXPECT_EQ(waker.wakes, 1);
    EXPECT_EQ(mail.drain(5, run), 0U);
}

TEST(mailbox, task_destroyed_by_close_may_post) {
    struct poster {
        mailbox* mail;
        std::shared_ptr<int> token;
        explicit poster(mailbox& m, std::shared_ptr<int> t) : mail(&m), token(std::move(t)) {}
        poster(poster&& other) noexcept
            : mail(std::exchange(other.mail, nullptr)), token(std::move(other.token)) {}
        poster(const poster&) = delete;
        ~poster() {
            if (mail != nullptr) {
                EXPECT_FALSE(mail->push([kept = token] {}));
            }
        }
        void operator()() const {}
    };
    counting_backend waker;
    const auto token = std::make_shared<int>();
    mailbox mail(waker);
    mail.push(poster(mail, token));
    mail.close();
    EXPECT_EQ(token.use_count(), 1);
}

TEST(mailbox, keeps_the_order_of_each_of_many_threads) {
    constexpr int threads = 4, each = 5000;
    counting_backend waker;
    mailbox mail(waker);
    std::array<int, threads> next{};
    std::vector<std::thread> posting;
    for (std::size_t t = 0; t < threads; ++t) {
        posting.emplace_back([&, t] {
            for (int i = 0; i < each; ++i) {
                mail.push([&next, t, i] { EXPECT_EQ(next[t]++, i); });
            }
        });
    }
    std::size_t ran = 0;
    while (ran < threads * each) {
        ran += mail.drain(100, run);
        std::this_thread::yield();
    }
    for (std::thread& t : posting) t.join();
    EXPECT_TRUE(mail.empty());
}

TEST(mailbox, closing_while_others_post_loses_no_task_to_a_leak) {
    for (int round = 0; round < 50; ++round) {
        const auto token = std::make_shared<int>();
        counting_backend waker;
        const auto mail = std::make_shared<mailbox>(waker);
        std::atomic<bool> go{false};
        std::vector<std::thread> posting;
        for (int t = 0; t < 3; ++t) {
            posting.emplace_back([&, mail] {
                while (!go) std::this_thread::yield();
                while (mail->push([token] {})) {
                }
            });
        }
        go = true;
        mail->drain(10, run);
        mail->close();
        for (std::thread& t : posting) t.join();
        EXPECT_EQ(token.use_count(), 1) << "a task survived the close";
    }
}

TEST(loop_ref, reaches_a_running_loop_from_many_threads_and_may_outlive_it) {
    loop_ref ref;
    constexpr int threads = 4, each = 2000;
    int ran = 0;  // the loop's thread only
    {
        auto made = loop::make();
        ASSERT_TRUE(made);
        loop& own = **made;
        ref = own.ref();
        std::thread running([&] { own.run(); });
        std::vector<std::thread> posting;
        for (int t = 0; t < threads; ++t) {
            posting.emplace_back([&] {
                for (int i = 0; i < each; ++i) {
                    EXPECT_TRUE(ref.post([&] {
                        EXPECT_TRUE(own.ref().in_loop_thread());
                        if (++ran == threads * each) own.stop();
                    }));
                }
            });
        }
        for (std::thread& t : posting) t.join();
        running.join();
        EXPECT_EQ(ran, threads * each);
    }
    EXPECT_FALSE(ref.post([] { FAIL(); }));
    EXPECT_FALSE(loop_ref().post([] { FAIL(); }));
}

TEST(loop_ref, every_post_to_a_sleeping_loop_wakes_it) {
    auto made = loop::make();
    ASSERT_TRUE(made);
    loop& own = **made;
    std::thread running([&] { own.run(); });
    for (int i = 0; i < 500; ++i) {
        std::atomic<bool> ran{false};
        own.ref().post([&] {
            ran = true;
            ran.notify_one();
        });
        ran.wait(false);
    }
    own.stop();
    running.join();
}

}  // namespace
}  // namespace weft::net
