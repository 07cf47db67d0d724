// What tasks wait for. Invariant: a suspended coroutine is owned by the loop, in a timer, a posted
// task or the list of pending work; so it is resumed on the loop's thread or destroyed with the
// loop. When there is no memory for that, the coroutine gets the exception.

#include <weft/net/awaitable.hpp>

#include <exception>
#include <memory>
#include <utility>

#include "net/loop_core.hpp"

namespace weft::detail {

namespace {

/// Resumes a coroutine, or destroys it when dropped. What is dropped by an exception that is on its
/// way to the coroutine leaves it alone.
class wake_up {
public:
    explicit wake_up(suspension waiting) noexcept {
        std::construct_at(&waiting_, std::move(waiting));
    }
    wake_up(wake_up&& other) noexcept : exceptions_(other.exceptions_) {
        std::construct_at(&waiting_, std::move(other.waiting_));
    }
    wake_up& operator=(wake_up&&) = delete;
    ~wake_up() {
        if (std::uncaught_exceptions() <= exceptions_) std::destroy_at(&waiting_);
    }
    void operator()() { waiting_.resume(); }

private:
    union {
        suspension waiting_;
    };
    int exceptions_ = std::uncaught_exceptions();  // that were on their way before
};

}  // namespace

void resume_after(const loop_ref& loop, duration delay, suspension waiting) {
    wake_up resume(std::move(waiting));
    if (net::loop_core* const here = loop.core()) return here->after(delay, std::move(resume));
    // A task that is refused dies here, and with it the coroutine.
    loop.post([loop, delay, resume = std::move(resume)]() mutable {
        loop.core()->after(delay, std::move(resume));
    });
}

void resume_after_work(const loop_ref& loop, unique_function<void()> work, suspension waiting) {
    wake_up resume(std::move(waiting));
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
