#include <weft/net/awaitable.hpp>

#include <csignal>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "net/backend/sim/sim_backend.hpp"
#include "net/loop_core.hpp"

namespace weft::net {
namespace {

using namespace std::chrono_literals;
using detail::spawn;

void unexpected(std::exception_ptr) {
    ADD_FAILURE() << "an exception";
}

std::unique_ptr<loop> make_loop() {
    return std::move(*loop::make());
}

TEST(awaitable, sleeps_as_long_as_the_clock_says) {
    auto io = std::make_unique<sim_backend>();
    sim_backend& clock = *io;
    loop_core core(std::move(io), {});
    bool woke = false;
    spawn(
        [](loop_ref on, bool& mark) -> task<> {
            co_await sleep_for(on, 1s);
            mark = true;
        }(core.ref(), woke),
        unexpected);
    core.turn(0s);
    clock.advance(999ms);
    core.turn(0s);
    EXPECT_FALSE(woke);
    clock.advance(2ms);
    core.turn(0s);
    EXPECT_TRUE(woke);
}

TEST(awaitable, a_dying_loop_destroys_who_sleeps) {
    auto witness = std::make_shared<int>(0);
    {
        loop_core core(std::make_unique<sim_backend>(), {});
        for (const bool armed : {true, false}) {
            spawn(
                [](loop_ref on, std::shared_ptr<int>) -> task<> {
                    co_await sleep_for(on, 1h);
                    ADD_FAILURE() << "resumed";
                }(core.ref(), witness),
                unexpected);
            if (armed) core.turn(0s);  // the second is still on its way to the loop
        }
        EXPECT_EQ(witness.use_count(), 3);
    }
    EXPECT_EQ(witness.use_count(), 1);
}

TEST(awaitable, locals_of_a_destroyed_task_may_use_the_loop_once_more) {
    struct restless {
        loop_ref on;
        ~restless() {
            on.after(1s, [] {});
            on.post([] {});
        }
    };
    loop_core core(std::make_unique<sim_backend>(), {});
    spawn(
        [](loop_ref on) -> task<> {
            const restless local{on};
            co_await sleep_for(on, 1h);
        }(core.ref()),
        unexpected);
    core.turn(0s);
}

TEST(awaitable, threads_of_the_library_leave_signals_to_the_program) {
    const auto on = make_loop();
    sigset_t blocked;
    ::sigemptyset(&blocked);
    spawn(
        [](loop& l, sigset_t& there) -> task<> {
            co_await run_blocking(l, [&there] { ::pthread_sigmask(SIG_BLOCK, nullptr, &there); });
            l.stop();
        }(*on, blocked),
        unexpected);
    on->run();
    EXPECT_EQ(::sigismember(&blocked, SIGTERM), 1);
    EXPECT_EQ(::sigismember(&blocked, SIGSEGV), 0);
    sigset_t here;
    ::pthread_sigmask(SIG_BLOCK, nullptr, &here);
    EXPECT_EQ(::sigismember(&here, SIGTERM), 0) << "who starts one keeps its own mask";
}

TEST(awaitable, blocking_work_comes_back_to_the_loop) {
    const auto on = make_loop();
    std::thread::id worker, after;
    std::string got;
    spawn(
        [](loop& l, std::thread::id& during, std::thread::id& then, std::string& into) -> task<> {
            auto work = [&during, owned = std::make_unique<int>(7)] {
                during = std::this_thread::get_id();
                return std::to_string(*owned);
            };
            into = co_await run_blocking(l, std::move(work));
            then = std::this_thread::get_id();
            co_await run_blocking(l, [] {});
            l.stop();
        }(*on, worker, after, got),
        unexpected);
    on->run();
    EXPECT_EQ(got, "7");
    EXPECT_NE(worker, std::this_thread::get_id());
    EXPECT_EQ(after, std::this_thread::get_id());
}

TEST(awaitable, blocking_work_may_throw) {
    const auto on = make_loop();
    std::string caught;
    spawn(
        [](loop& l, std::string& into) -> task<> {
            try {
                co_await run_blocking(l, []() -> int { throw std::runtime_error("disk"); });
            } catch (const std::runtime_error& e) {
                into = e.what();
            }
            l.stop();
        }(*on, caught),
        unexpected);
    on->run();
    EXPECT_EQ(caught, "disk");
}

TEST(awaitable, a_dying_loop_destroys_who_waits_for_work_on_its_own_thread) {
    struct mark {
        std::thread::id& died;
        ~mark() { died = std::this_thread::get_id(); }
    };
    std::promise<void> begun, go_on;
    std::thread::id died;
    auto on = make_loop();
    spawn(
        [](loop& l, std::promise<void>& b, std::promise<void>& g, std::thread::id& d) -> task<> {
            const mark local{d};
            co_await run_blocking(l, [&b, &g] {
                b.set_value();
                g.get_future().wait();
            });
            ADD_FAILURE() << "resumed";
        }(*on, begun, go_on, died),
        unexpected);
    on->ref().after(0s, [&] {
        begun.get_future().wait();
        on->stop();
    });
    on->run();
    // The loop's end waits for work that has begun, so another thread must let it go on.
    std::thread releaser([&] { go_on.set_value(); });
    on.reset();
    releaser.join();
    EXPECT_EQ(died, std::this_thread::get_id());
}

TEST(awaitable, a_task_from_another_thread_moves_to_the_loop) {
    const auto on = make_loop();
    std::thread runner([&] { on->run(); });
    std::promise<std::thread::id> where;
    spawn(
        [](loop& l, std::promise<std::thread::id>& tell) -> task<> {
            co_await sleep_for(l, 0s);
            tell.set_value(std::this_thread::get_id());
        }(*on, where),
        unexpected);
    EXPECT_EQ(where.get_future().get(), runner.get_id());
    on->stop();
    runner.join();
}

}  // namespace
}  // namespace weft::net
