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
void resume_after(const loop_ref& loop, duration delay, suspension waiting);
/// Runs `work` on a thread that may block, then resumes on the loop's thread. **Threads**: any.
void resume_after_work(const loop_ref& loop, unique_function<void()> work, suspension waiting);

struct sleep_awaitable {
    loop_ref loop;
    duration delay;

    bool await_ready() const noexcept { return false; }
    template <task_promise Promise>
    void await_suspend(std::coroutine_handle<Promise> waiting) const {
        resume_after(loop, delay, suspension(waiting));
    }
    void await_resume() const noexcept {}
};

template <class Fn>
class work_awaitable {
public:
    using value_type = std::invoke_result_t<Fn&>;

    work_awaitable(loop_ref loop, Fn work)
        : loop_(std::move(loop)), job_(std::make_shared<job>(std::move(work))) {}

    bool await_ready() const noexcept { return false; }
    template <task_promise Promise>
    void await_suspend(std::coroutine_handle<Promise> waiting) const {
        resume_after_work(
            loop_, [shared = job_] { shared->run(); }, suspension(waiting));
    }
    value_type await_resume() { return job_->result.take(); }

private:
    // Shared with the worker, which may still run when the coroutine is gone.
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

    loop_ref loop_;
    std::shared_ptr<job> job_;
};

}  // namespace detail

/// Lets a task wait: `co_await weft::sleep_for(loop, 5s)` continues on the loop's thread, after
/// `delay` or later. The loop may be a `weft::loop`, `server.loop(i)`, or the loop of a connection
/// (`server.loop_of(id)`, `socket_ref::loop`). **Lifetime**: if the loop goes first, the waiting
/// task and all that await it are destroyed, never resumed. **Threads**: any.
[[nodiscard]] inline auto sleep_for(loop_ref loop, duration delay) {
    return detail::sleep_awaitable{std::move(loop), delay};
}

/// Runs `work` on a thread where it may block. Continues on the loop's thread with what `work`
/// returned or threw:
///
///     auto row = co_await weft::run_blocking(loop, [id] { return database.find(id); });
///
/// GCC 12 destroys a temporary lambda in a `co_await` expression twice. If your lambda captures
/// something with a destructor, give it a name: `co_await run_blocking(loop, std::move(work))`.
///
/// **Lifetime**: `work` runs beside the loop, so it must own what it uses. If the loop goes first,
/// the waiting task is destroyed on the loop's thread, never resumed. `work` runs to its end once
/// it has begun. **Threads**: any.
template <std::move_constructible Fn>
requires std::invocable<Fn&>
[[nodiscard]] auto run_blocking(loop_ref loop, Fn work) {
    return detail::work_awaitable<Fn>(std::move(loop), std::move(work));
}

/// Runs a task that nobody awaits, all of it on the loop's thread:
///
///     weft::task<void> tell_time(weft::loop_ref loop, weft::socketio::space& io) {
///         for (;;) {
///             co_await weft::sleep_for(loop, 1s);
///             io.emit("time", std::chrono::system_clock::now());
///         }
///     }
///     weft::spawn(server.loop(0), tell_time(server.loop(0), io));
///
/// Returns false if the loop is gone; the task is then destroyed and does not run. Exceptions are
/// logged and counted on the loop. **Lifetime**: the task lives until it ends. If it still waits
/// when the loop goes (for a server: when `run` returns), it is destroyed. What its parameters
/// refer to must live that long. **Threads**: any.
bool spawn(const loop_ref& loop, task<void> work);

}  // namespace weft
