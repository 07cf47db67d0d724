// What tasks wait for. Invariant: a suspended coroutine is owned by the loop, in a timer, a posted
// task or the list of pending work; so it is resumed on the loop's thread or destroyed with the
// loop.

#include <weft/net/awaitable.hpp>

#include <exception>
#include <utility>

#include "net/loop_core.hpp"

namespace weft::detail {

void resume_after(const loop_ref& on, duration delay, suspension who) {
    auto resume = [who = std::move(who)]() mutable { who.resume(); };
    if (net::loop_core* const here = on.core()) return here->after(delay, std::move(resume));
    // A task that is refused dies here, and with it the coroutine.
    on.post([on, delay, resume = std::move(resume)]() mutable {
        on.core()->after(delay, std::move(resume));
    });
}

void resume_after_work(const loop_ref& on, unique_function<void()> work, suspension who) {
    auto resume = [who = std::move(who)]() mutable { who.resume(); };
    if (net::loop_core* const here = on.core())
        return here->run_blocking(std::move(work), std::move(resume));
    on.post([on, work = std::move(work), resume = std::move(resume)]() mutable {
        on.core()->run_blocking(std::move(work), std::move(resume));
    });
}

}  // namespace weft::detail

namespace weft {

bool spawn(const loop_ref& on, task<void> what) {
    return on.post([on, what = std::move(what)]() mutable {
        // Wherever the task ends, what it throws is reported on its loop.
        detail::spawn(std::move(what), [on](std::exception_ptr thrown) {
            on.post([on, thrown = std::move(thrown)] {
                on.core()->users().report(thrown, [] { return user_place{.callback = "a task"}; });
            });
        });
    });
}

}  // namespace weft
