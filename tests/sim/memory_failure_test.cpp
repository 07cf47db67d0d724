// What happens to single parts when memory is out: each of their allocations fails in turn. Whole
// connections are tortured, see torture.hpp.

#include <array>
#include <memory>
#include <new>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include <weft/net/awaitable.hpp>

#include "auth/token_cache.hpp"
#include "sim/torture_world.hpp"

namespace weft::test {
namespace {

// ---- The hub ----

struct member final : pubsub::subscriber {
    std::size_t heard = 0;
    send_status deliver(const message&) noexcept override {
        ++heard;
        return send_status::sent;
    }
};

TEST(hub_memory, a_subscription_that_fails_has_changed_nothing) {
    bool ran_through = false;
    for (std::size_t number = 0; !ran_through; ++number) {
        SCOPED_TRACE("allocation " + std::to_string(number));
        ASSERT_LT(number, 100U);
        const std::size_t living = allocations::living;
        {
            net::loop_core loop(std::make_unique<net::sim_backend>(), {});
            pubsub::exchange all;
            pubsub::hub hub(loop, all);
            member bystander, joining;
            const auto joint = pubsub::program_topic("a topic that many others are in already");
            const auto fresh = pubsub::program_topic("a topic that nobody has been in before");
            hub.subscribe(bystander, joint);
            std::array<bool, 2> joined{};
            allocations::fail_at(number);
            for (std::size_t i = 0; i < 2; ++i) {
                const allocations::watch on(true);
                try {
                    joined[i] = hub.subscribe(joining, i == 0 ? joint : fresh);
                } catch (const std::bad_alloc&) {
                    continue;
                }
            }
            ran_through = !allocations::failed;
            EXPECT_EQ(joined[0] && joined[1], ran_through);
            EXPECT_EQ(hub.is_subscribed(joining, joint), joined[0]);
            EXPECT_EQ(hub.is_subscribed(joining, fresh), joined[1]);
            EXPECT_EQ(joining.subscriptions(), std::size_t{joined[0]} + std::size_t{joined[1]});
            EXPECT_EQ(hub.metrics().topics.read(), 1U + std::size_t{joined[1]});
            hub.publish(joint, message::text("x"));
            EXPECT_EQ(bystander.heard, 1U);
            hub.unsubscribe_all(joining);
            EXPECT_TRUE(hub.subscribe(joining, fresh));
            EXPECT_EQ(hub.publish(fresh, message::text("x")), 1U);
        }
        EXPECT_EQ(allocations::living, living);
        if (::testing::Test::HasFailure()) return;
    }
}

// ---- The cache of tokens ----

TEST(cache_memory, an_entry_that_fails_has_changed_nothing) {
    bool ran_through = false;
    for (std::size_t number = 0; !ran_through; ++number) {
        SCOPED_TRACE("allocation " + std::to_string(number));
        ASSERT_LT(number, 20U);
        const std::size_t living = allocations::living;
        {
            auth::token_cache cache(2, 1 << 20);
            const auto what = std::make_shared<const auth::verified_token>();
            cache.add({1, 1}, what);
            cache.add({2, 2}, what);
            const std::size_t before = cache.bytes();
            allocations::fail_at(number);
            try {
                const allocations::watch on(true);
                cache.add({3, 3}, what);
            } catch (const std::bad_alloc&) {
                EXPECT_EQ(cache.find({3, 3}), nullptr);
            }
            ran_through = !allocations::failed;
            EXPECT_NE(cache.find({2, 2}), nullptr);
            cache.add({4, 4}, what);
            EXPECT_EQ(cache.bytes(), before);
            for (std::uint64_t n = 1; n < 5; ++n) cache.remove({n, n});
            EXPECT_EQ(cache.bytes(), 0U);
        }
        EXPECT_EQ(allocations::living, living);
        if (::testing::Test::HasFailure()) return;
    }
}

// ---- Coroutines that wait ----

task<void> wait_twice(loop_ref loop, int* steps) {
    const auto end = std::make_unique<int>(0);  // dies with the coroutine
    co_await sleep_for(loop, 1s);
    ++*steps;
    auto work = [] {};
    co_await run_blocking(loop, std::move(work));
    ++*steps;
}

TEST(coroutine_memory, that_is_out_is_thrown_to_the_coroutine_that_wanted_to_wait) {
    bool ran_through = false;
    for (std::size_t number = 0; !ran_through; ++number) {
        SCOPED_TRACE("allocation " + std::to_string(number));
        ASSERT_LT(number, 100U);
        const std::size_t living = allocations::living;
        {
            auto& sim = *new net::sim_backend;
            net::loop_core loop(
                std::make_unique<unwatched_backend>(std::unique_ptr<net::backend>(&sim)),
                {.log = nullptr});
            loop.start();
            int steps = 0;
            bool thrown = false;
            allocations::fail_at(number);
            const auto turn = [&] {
                const allocations::watch on(true);
                loop.turn(duration::zero());
            };
            try {
                const allocations::watch on(true);
                loop.post([&] {
                    try {
                        weft::detail::spawn(wait_twice(loop.ref(), &steps),
                                            [&](const std::exception_ptr&) { thrown = true; });
                    } catch (const std::bad_alloc&) {
                        thrown = true;
                    }
                });
            } catch (const std::bad_alloc&) {
                thrown = true;
            }
            turn();
            sim.advance(1s);
            turn();
            for (int i = 0; steps == 1 && !thrown && i < 10'000'000; ++i) {
                if (i == 1) sim.advance(100ms);
                turn();
                std::this_thread::yield();
            }
            ran_through = !allocations::failed;
            EXPECT_NE(steps == 2, thrown);
            EXPECT_FALSE(thrown && ran_through);
            loop.shut_down();
        }
        EXPECT_EQ(allocations::living, living) << "leaked";
        if (::testing::Test::HasFailure()) return;
    }
}

// ---- A server that drains ----

/// Drains a server with one connection of every kind, while the allocation of this number fails.
void drain_without(std::size_t number) {
    torture_world w(nullptr);
    const auto plain = w.open_ws();
    (void)w.open_sio();
    (void)w.open_polling(w.connect());
    w.send(w.connect(), torture_world::get("/later"));
    allocations::fail_at(number);
    w.watching = true;
    w.drain();
    w.run();
    (void)w.ask(plain, close_frame(1001));
    w.waiting.clear();
    w.pass(30s);
    w.watching = false;
    EXPECT_EQ(w.closed, w.opened);
    EXPECT_EQ(w.loop.connections(), 0U);
    w.end();
    EXPECT_EQ(w.sim.open_descriptors(), 0U);
}

TEST(drain_memory, that_is_out_does_not_keep_a_server_from_draining) {
    drain_without(SIZE_MAX);  // what is made once in a process
    for (std::size_t number = 0;; ++number) {
        SCOPED_TRACE("allocation " + std::to_string(number));
        ASSERT_LT(number, 100U);
        const std::size_t living = allocations::living;
        drain_without(number);
        if (::testing::Test::HasFailure()) break;
        EXPECT_EQ(allocations::living, living) << "leaked";
        if (!allocations::failed) break;
    }
}

}  // namespace
}  // namespace weft::test
