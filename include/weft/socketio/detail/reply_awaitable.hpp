#pragma once

#include <coroutine>
#include <optional>
#include <utility>

#include <weft/base/task.hpp>

namespace weft::socketio::detail {

/// Waits for one value from a callback, on the loop that calls it. One rule for all questions, to
/// one peer or many: nothing is sent until you await it. The awaitable keeps what it needs for
/// that.
///
/// Calls `start` once, with the callback. **Lifetime**: the callback owns the coroutine. Dropping
/// the callback without a call destroys the coroutine and all that await it.
template <class T, class Start>
class [[nodiscard("nothing is sent unless it is awaited")]] reply_awaitable {
public:
    explicit reply_awaitable(Start start) : start_(std::move(start)) {}
    reply_awaitable(const reply_awaitable&) = delete;
    reply_awaitable& operator=(const reply_awaitable&) = delete;

    bool await_ready() const noexcept {
        return false;
    }
    template <weft::detail::task_promise Promise>
    void await_suspend(std::coroutine_handle<Promise> waiting) {
        Start start = std::move(start_);  // the value may come, and end this, within the call
        start([this, coroutine = weft::detail::suspension(waiting)](T value) mutable {
            brought_.emplace(std::move(value));
            coroutine.resume();
        });
    }
    T await_resume() {
        return std::move(*brought_);
    }

private:
    Start start_;
    std::optional<T> brought_;
};

template <class T, class Start>
reply_awaitable<T, Start> await_reply(Start start) {
    return reply_awaitable<T, Start>(std::move(start));
}

}  // namespace weft::socketio::detail
