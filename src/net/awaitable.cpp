// What tasks wait for. Invariant: a suspended coroutine is owned by the loop, in a timer, a posted
// task or the list of pending work; so it is resumed on the loop's thread or destroyed with the
// loop.

#include <weft/net/awaitable.hpp>

#include <exception>
#include <utility>

#include "net/loop_core.hpp"

namespace weft::detail {

void resume_after(const loop_ref& loop, duration delay, suspension waiting) {
    auto resume = [waiting = std::move(waiting)]() mutable { waiting.resume(); };
    if (net::loop_core* const here = loop.core()) return here->after(delay, std::move(resume));
    // A task that is refused dies here, and with it the coroutine.
    loop.post([loop, delay, resume = std::move(resume)]() mutable {
        loop.core()->after(delay, std::move(resume));
    });
}

void resume_after_work(const loop_ref& loop, unique_function<void()> work, suspension waiting) {
    auto resume = [waiting = std::move(waiting)]() mutable { waiting.resume(); };
    if (net::loop_core* const here = loop.core())
        return here->run_blocking(std::move(work), std::move(resume));
    loop.post([loop, work = std::move(work), resume = std::move(resume)]() mutable {
        loop.core()->run_blocking(std::move(work), std::move(resume));
    });
}

}  // namespace weft::detail

namespace weft {

bool spawn(const loop_ref& loop, task<void> what) {
    return loop.post([loop, what = std::move(what)]() mutable {
        // Wherever the task ends, what it throws is reported on its loop.
        detail::spawn(std::move(what), [loop](std::exception_ptr thrown) {
            loop.post([loop, thrown = std::move(thrown)] {
                loop.core()->users().report(thrown,
                                            [] { return user_place{.callback = "a task"}; });
            });
        });
    });
}

}  // namespace weft
