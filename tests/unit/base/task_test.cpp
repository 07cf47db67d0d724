#include <weft/base/task.hpp>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

#include <weft/base/result.hpp>

namespace weft {
namespace {

using detail::spawn;

void unexpected(std::exception_ptr) {
    ADD_FAILURE() << "an exception";
}

/// Waits until the test lets it go on.
struct gate {
    std::optional<detail::suspension> waiting;

    struct awaitable {
        gate& at;
        bool await_ready() const noexcept { return false; }
        template <detail::task_promise Promise>
        void await_suspend(std::coroutine_handle<Promise> who) const {
            at.waiting.emplace(who);
        }
        void await_resume() const noexcept {}
    };
    awaitable operator co_await() { return {*this}; }

    void open() {
        detail::suspension who = std::move(*waiting);
        waiting.reset();
        who.resume();
    }
};

task<int> value(int n) {
    co_return n;
}
task<int> failing() {
    throw std::runtime_error("no");
    co_return 0;
}
task<int> sum_after(gate& g, int a, int b) {
    co_await g;
    co_return co_await value(a) + co_await value(b);
}

TEST(task, starts_when_awaited_and_gives_its_value) {
    bool ran = false;
    auto lazy = [](bool& mark) -> task<std::string> {
        mark = true;
        co_return "value";
    };
    std::string got;
    spawn(
        [](task<std::string> t, bool& mark, std::string& into) -> task<> {
            EXPECT_FALSE(mark);
            into = co_await std::move(t);
        }(lazy(ran), ran, got),
        unexpected);
    EXPECT_TRUE(ran);
    EXPECT_EQ(got, "value");
}

TEST(task, unawaited_never_runs) {
    bool ran = false;
    {
        auto t = [](bool& mark) -> task<> {
            mark = true;
            co_return;
        }(ran);
    }
    EXPECT_FALSE(ran);
}

TEST(task, waits_and_goes_on) {
    gate g;
    int got = 0;
    spawn([](gate& at, int& into) -> task<> { into = co_await sum_after(at, 3, 4); }(g, got),
          unexpected);
    EXPECT_EQ(got, 0);
    g.open();
    EXPECT_EQ(got, 7);
    EXPECT_FALSE(g.waiting);
}

TEST(task, exceptions_reach_the_awaiter) {
    std::string caught;
    spawn(
        [](std::string& into) -> task<> {
            try {
                co_await failing();
            } catch (const std::runtime_error& e) {
                into = e.what();
            }
        }(caught),
        unexpected);
    EXPECT_EQ(caught, "no");
}

TEST(task, exceptions_of_a_spawned_task_reach_its_handler) {
    std::string caught;
    spawn([]() -> task<> { co_await failing(); }(),
          [&](std::exception_ptr thrown) {
              try {
                  std::rethrow_exception(thrown);
              } catch (const std::runtime_error& e) {
                  caught = e.what();
              }
          });
    EXPECT_EQ(caught, "no");
}

TEST(task, carries_results_and_values_that_only_move) {
    int got = 0;
    std::error_code why;
    spawn(
        [](int& into, std::error_code& code) -> task<> {
            auto good = []() -> task<result<std::unique_ptr<int>>> {
                co_return std::make_unique<int>(5);
            };
            auto bad = []() -> task<result<int>> { co_return errc::timed_out; };
            auto pointer = co_await good();
            into = **pointer;
            code = (co_await bad()).error().code();
        }(got, why),
        unexpected);
    EXPECT_EQ(got, 5);
    EXPECT_EQ(why, condition::timed_out);
}

TEST(task, abandoned_wait_destroys_the_whole_chain) {
    auto witness = std::make_shared<int>(1);
    {
        gate g;
        const auto inner = [](gate& at, std::shared_ptr<int>) -> task<int> {
            co_await at;
            co_return 1;
        };
        const auto outer = [](auto& f, gate& at, std::shared_ptr<int> held) -> task<> {
            co_await f(at, held);
            ADD_FAILURE() << "resumed";
        };
        spawn(outer(inner, g, witness), unexpected);
        EXPECT_GT(witness.use_count(), 1);
    }
    EXPECT_EQ(witness.use_count(), 1);
}

TEST(task, frame_is_freed_at_the_end) {
    auto witness = std::make_shared<int>(1);
    gate g;
    spawn([](gate& at, std::shared_ptr<int>) -> task<> { co_await at; }(g, witness), unexpected);
    EXPECT_EQ(witness.use_count(), 2);
    g.open();
    EXPECT_EQ(witness.use_count(), 1);
}

task<int> countdown(int n) {
    if (n == 0) co_return 0;
    const int rest = co_await countdown(n - 1);
    co_return rest + 1;
}

TEST(task, awaiting_one_after_the_other_needs_no_stack) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__OPTIMIZE__)
    constexpr int many = 2000;  // no tail calls there
#else
    constexpr int many = 200'000;
#endif
    long sum = 0;
    int deep = 0;
    spawn(
        [](long& into, int& depth) -> task<> {
            for (int i = 0; i < many; ++i) into += co_await value(1);
            depth = co_await countdown(many);
        }(sum, deep),
        unexpected);
    EXPECT_EQ(sum, many);
    EXPECT_EQ(deep, many);
}

}  // namespace
}  // namespace weft
