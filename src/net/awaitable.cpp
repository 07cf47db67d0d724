// What tasks wait for. Invariant: a suspended coroutine is owned by the loop, in a timer, a posted
// task or the list of pending work; so it is resumed on the loop's thread or destroyed with the
// loop.

#include <weft/net/awaitable.hpp>

#include <exception>
#include <utility>

#include "net/loop_core.hpp"

namespace weft::detail {

void resume_after(net::loop_core& on, duration delay, suspension who) {
    auto resume = [who = std::move(who)]() mutable { who.resume(); };
    if (on.runs_here()) {
        on.after(delay, std::move(resume));
    } else {
        on.post([&on, delay, resume = std::move(resume)]() mutable {
            on.after(delay, std::move(resume));
        });
    }
}

// The loop may be gone: only a task that it runs may touch it. A task that is refused dies here,
// and with it the coroutine.
void resume_after(const loop_ref& on, duration delay, suspension who) {
    net::loop_core* const core = on.core_in_task();
    on.post([core, delay, who = std::move(who)]() mutable {
        resume_after(*core, delay, std::move(who));
    });
}

void resume_after_work(const loop_ref& on, unique_function<void()> work, suspension who) {
    net::loop_core* const core = on.core_in_task();
    on.post([core, work = std::move(work), who = std::move(who)]() mutable {
        resume_after_work(*core, std::move(work), std::move(who));
    });
}

void resume_after_work(net::loop_core& on, unique_function<void()> work, suspension who) {
    auto resume = [who = std::move(who)]() mutable { who.resume(); };
    if (on.runs_here()) {
        on.run_blocking(std::move(work), std::move(resume));
    } else {
        on.post([&on, work = std::move(work), resume = std::move(resume)]() mutable {
            on.run_blocking(std::move(work), std::move(resume));
        });
    }
}

}  // namespace weft::detail

namespace weft {

bool spawn(const loop_ref& on, task<void> what) {
    return on.post([on, what = std::move(what)]() mutable {
        // Wherever the task ends, what it throws is reported on its loop.
        detail::spawn(std::move(what), [on](std::exception_ptr thrown) {
            on.post([thrown = std::move(thrown)] { std::rethrow_exception(thrown); });
        });
    });
}

}  // namespace weft
