#pragma once

#include <concepts>
#include <coroutine>
#include <exception>
#include <memory>
#include <type_traits>
#include <utility>

#include <weft/base/task.hpp>
#include <weft/base/time.hpp>
#include <weft/base/unique_function.hpp>
#include <weft/net/loop.hpp>

namespace weft {
namespace detail {

/// Resumes on the loop's thread after `delay`. **Threads**: any.
void resume_after(const loop_ref& on, duration delay, suspension who);
/// Runs `work` on a thread that may block, then resumes on the loop's thread. **Threads**: any.
void resume_after_work(const loop_ref& on, unique_function<void()> work, suspension who);

struct sleep_awaitable {
    loop_ref on;
    duration delay;

    bool await_ready() const noexcept { return false; }
    template <task_promise Promise>
    void await_suspend(std::coroutine_handle<Promise> waiting) const {
        resume_after(on, delay, suspension(waiting));
    }
    void await_resume() const noexcept {}
};

template <class Fn>
class work_awaitable {
public:
    using value_type = std::invoke_result_t<Fn&>;

    work_awaitable(loop_ref on, Fn work)
        : on_(std::move(on)), job_(std::make_shared<job>(std::move(work))) {}

    bool await_ready() const noexcept { return false; }
    template <task_promise Promise>
    void await_suspend(std::coroutine_handle<Promise> waiting) const {
        resume_after_work(
            on_, [shared = job_] { shared->run(); }, suspension(waiting));
    }
    value_type await_resume() { return job_->result.take(); }

private:
    // Shared with the worker: it may still be at work when the coroutine is gone.
    struct job {
        explicit job(Fn&& what) : work(std::move(what)) {}
        void run() noexcept {
            try {
                if constexpr (std::is_void_v<value_type>) {
                    work();
                } else {
                    result.set(work());
                }
            } catch (...) {
                result.fail(std::current_exception());
            }
        }
        Fn work;
        outcome<value_type> result;
    };

    loop_ref on_;
    std::shared_ptr<job> job_;
};

}  // namespace detail

/// Lets a task wait: `co_await weft::sleep_for(loop, 5s)` continues on the loop's thread, not
/// earlier than after `delay`. The loop may be a `weft::loop`, `server.loop(i)`, or that of a
/// connection (`server.loop_of(id)`, `socket_ref::loop`). **Lifetime**: when the loop goes first,
/// the waiting task and all that await it are destroyed, never resumed. **Threads**: any.
[[nodiscard]] inline auto sleep_for(loop_ref on, duration delay) {
    return detail::sleep_awaitable{std::move(on), delay};
}

/// Runs `work` on a thread where it may block, and continues on the loop's thread with what it
/// returned or threw:
///
///     auto row = co_await weft::run_blocking(loop, [id] { return database.find(id); });
///
/// With GCC 12, write `co_await run_blocking(loop, std::move(work))` with a lambda that has a name
/// when it captures what has a destructor: that compiler destroys such a temporary lambda twice
/// when it stands in the `co_await` expression itself.
///
/// **Lifetime**: `work` runs beside the loop, so it must own what it uses. When the loop goes
/// first, the waiting task is destroyed on the loop's thread, never resumed; `work`, once begun,
/// is run to its end. **Threads**: any.
template <std::move_constructible Fn>
requires std::invocable<Fn&>
[[nodiscard]] auto run_blocking(loop_ref on, Fn work) {
    return detail::work_awaitable<Fn>(std::move(on), std::move(work));
}

/// Runs a task that nobody awaits, from its beginning on, on the loop's thread:
///
///     weft::task<void> tell_time(weft::loop_ref loop, weft::socketio::space& io) {
///         for (;;) {
///             co_await weft::sleep_for(loop, 1s);
///             io.emit("time", std::chrono::system_clock::now());
///         }
///     }
///     weft::spawn(server.loop(0), tell_time(server.loop(0), io));
///
/// False when the loop is gone; then the task is destroyed unrun. What the task throws is logged
/// and counted there. **Lifetime**: the task lives until it ends; one that waits for the loop is
/// destroyed with it, for a server when `run` returns. What its parameters refer to must live until
/// then. **Threads**: any.
bool spawn(const loop_ref& on, task<void> what);

}  // namespace weft
