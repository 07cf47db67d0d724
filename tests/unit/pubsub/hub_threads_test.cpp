// Two loops on threads of their own and a publisher outside of both; meant for the thread
// sanitizer.

#include <array>
#include <atomic>
#include <charconv>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "pubsub/hub.hpp"

namespace weft::pubsub {
namespace {

constexpr int per_publisher = 3000;

/// Expects the numbers of each publisher ("name:number") in order; tells when it has heard all.
struct listener final : subscriber {
    std::atomic<int>* waiting_for = nullptr;
    std::map<char, int> next;
    int heard = 0;
    bool in_order = true;

    send_status deliver(const message& what) noexcept override {
        const std::string_view text = what.text();
        int number = -1;
        std::from_chars(text.data() + 2, text.data() + text.size(), number);
        in_order = in_order && next[text[0]]++ == number;
        // Frames are built by whichever loop comes first.
        static_cast<void>(what.framed([](byte_span) -> std::size_t { return 0; }));
        if (++heard == 3 * per_publisher && waiting_for->fetch_sub(1) > 0)
            waiting_for->notify_all();
        return send_status::sent;
    }
};

struct worker {
    worker(exchange& all) : loop(std::move(*weft::loop::make())), topics(loop->core(), all) {
        for (auto& l : listeners) topics.subscribe(l, program_topic("ticks"));
    }

    /// Publishes a few messages per task, and posts itself until all are out.
    void publish(char name, int from) {
        int n = from;
        for (; n < per_publisher && n < from + 7; ++n) {
            topics.publish(program_topic("ticks"),
                           message::text(std::string{name, ':'} + std::to_string(n)));
        }
        if (n < per_publisher) loop->ref().post([this, name, n] { publish(name, n); });
    }

    std::unique_ptr<weft::loop> loop;
    hub topics;
    std::array<listener, 3> listeners;
};

TEST(hub_threads, every_listener_hears_every_publisher_in_order) {
    std::atomic<int> waiting_for{6};
    exchange all;
    worker a(all), b(all);
    for (worker* w : {&a, &b}) {
        for (auto& l : w->listeners) l.waiting_for = &waiting_for;
    }
    a.loop->ref().post([&] { a.publish('a', 0); });
    b.loop->ref().post([&] { b.publish('b', 0); });
    std::thread run_a([&] { a.loop->run(); });
    std::thread run_b([&] { b.loop->run(); });
    for (int n = 0; n < per_publisher; ++n) {
        all.publish(program_topic("ticks"), message::text("x:" + std::to_string(n)));
    }
    for (int left = waiting_for; left > 0; left = waiting_for) waiting_for.wait(left);
    a.loop->stop();
    b.loop->stop();
    run_a.join();
    run_b.join();
    for (worker* w : {&a, &b}) {
        for (const auto& l : w->listeners) {
            EXPECT_TRUE(l.in_order);
            EXPECT_EQ(l.heard, 3 * per_publisher);
        }
    }
}

TEST(hub_threads, exchange_serves_the_own_loop_at_once) {
    std::atomic<int> unused{0};
    exchange all;
    worker a(all);
    a.listeners[0].waiting_for = &unused;
    int heard_at_once = 0;
    a.loop->ref().post([&] {
        all.publish(program_topic("ticks"), message::text("a:0"));
        heard_at_once = a.listeners[0].heard;
        a.loop->stop();
    });
    a.loop->run();
    EXPECT_EQ(heard_at_once, 1);
    EXPECT_EQ(a.listeners[0].heard, 1);
}

}  // namespace
}  // namespace weft::pubsub
