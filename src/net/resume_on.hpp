#pragma once

#include <coroutine>
#include <utility>

#include <weft/base/task.hpp>
#include <weft/net/loop.hpp>

namespace weft::net {

struct resume_awaitable {
    loop_ref loop;

    bool await_ready() const noexcept { return loop.in_loop_thread(); }
    template <weft::detail::task_promise Promise>
    void await_suspend(std::coroutine_handle<Promise> waiting) const {
        const loop_ref there = loop;  // once it is posted, this may be gone
        there.post([waiting = weft::detail::suspension(waiting)]() mutable { waiting.resume(); });
    }
    void await_resume() const noexcept {}
};

/// Goes on with a task on this loop's thread; at once if it is there. If the loop goes first, the
/// task and all that await it are destroyed. **Threads**: any.
[[nodiscard]] inline auto resume_on(loop_ref loop) {
    return resume_awaitable{std::move(loop)};
}

}  // namespace weft::net
