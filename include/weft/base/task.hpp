#pragma once

#include <concepts>
#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include <weft/base/unique_function.hpp>

namespace weft {

template <class T = void>
class task;

namespace detail {

/// What every coroutine of this library keeps beside its result.
struct promise_base {
    std::coroutine_handle<> awaiter;  // continued when this one has ended
    std::coroutine_handle<> root;     // the spawned frame that owns all those above it

    struct final_step {
        bool await_ready() const noexcept { return false; }
        template <class Promise>
        std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> ended) const noexcept {
            return ended.promise().awaiter;
        }
        void await_resume() const noexcept {}
    };

    std::suspend_always initial_suspend() const noexcept { return {}; }
    final_step final_suspend() const noexcept { return {}; }
};

template <class Promise>
concept task_promise = std::derived_from<Promise, promise_base>;

/// Holds the value of a call, or the exception it threw, to be taken once.
template <class T>
class outcome {
public:
    template <class U>
    void set(U&& value) {
        value_.emplace(std::forward<U>(value));
    }
    void fail(std::exception_ptr why) noexcept { thrown_ = std::move(why); }
    T take() {
        if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
        return std::move(*value_);
    }

private:
    std::optional<T> value_;
    std::exception_ptr thrown_;
};

template <>
class outcome<void> {
public:
    void fail(std::exception_ptr why) noexcept { thrown_ = std::move(why); }
    void take() {
        if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
    }

private:
    std::exception_ptr thrown_;
};

template <class T>
struct task_promise_of : promise_base {
    outcome<T> result;

    task<T> get_return_object() noexcept;
    void unhandled_exception() noexcept { result.fail(std::current_exception()); }
    template <class U>
    requires std::constructible_from<T, U>
    void return_value(U&& value) { result.set(std::forward<U>(value)); }
};

template <>
struct task_promise_of<void> : promise_base {
    outcome<void> result;

    task<void> get_return_object() noexcept;
    void unhandled_exception() noexcept { result.fail(std::current_exception()); }
    void return_void() noexcept {}
};

}  // namespace detail

/// A coroutine that starts when it is awaited and gives its awaiter a `T`.
///
///     weft::task<int> visits(std::string user);          // parameters by value, see below
///     weft::task<void> greet(std::string user) {
///         const int n = co_await visits(user);           // runs visits() to its end
///         ...
///     }
///
/// Awaiting costs no stack: each coroutine hands the thread to the next. If the coroutine throws,
/// `co_await` throws the same exception. Return expected failures as values: `task<result<T>>`.
///
/// **Lifetime**: take every parameter *by value*. The frame keeps values. Of a reference or a view
/// it keeps only the reference: after the first `co_await` the caller's object may be gone. The
/// same holds for `this` and for the captures of a lambda: a lambda that is a coroutine must
/// outlive the call, or get what it needs as parameters. The task owns its frame: destroying an
/// unfinished task destroys its locals.
/// **Threads**: runs on the thread that resumes it. This library resumes on the loop's thread.
/// **Cost**: one allocation per call.
template <class T>
class [[nodiscard]] task {
public:
    static_assert(!std::is_reference_v<T>, "a reference would outlive what it refers to");
    using promise_type = detail::task_promise_of<T>;

    task(task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
    task& operator=(task&& other) noexcept {
        std::swap(frame_, other.frame_);
        return *this;
    }
    ~task() {
        if (frame_) frame_.destroy();
    }

    /// Runs the task and gives its value. Await a task once, and as an rvalue: `co_await make()` or
    /// `co_await std::move(t)`. **Errors**: throws what the coroutine threw.
    auto operator co_await() && noexcept { return step{frame_}; }

private:
    friend promise_type;
    using frame = std::coroutine_handle<promise_type>;

    struct step {
        frame awaited;

        bool await_ready() const noexcept { return false; }
        template <detail::task_promise Promise>
        frame await_suspend(std::coroutine_handle<Promise> awaiter) const noexcept {
            awaited.promise().awaiter = awaiter;
            awaited.promise().root = awaiter.promise().root;
            return awaited;
        }
        T await_resume() const { return awaited.promise().result.take(); }
    };

    explicit task(frame owned) noexcept : frame_(owned) {}

    frame frame_;
};

namespace detail {

template <class R>
inline constexpr bool is_task = false;
template <class T>
inline constexpr bool is_task<task<T>> = true;

template <class T>
task<T> task_promise_of<T>::get_return_object() noexcept {
    return task<T>(std::coroutine_handle<task_promise_of>::from_promise(*this));
}

inline task<void> task_promise_of<void>::get_return_object() noexcept {
    return task<void>(std::coroutine_handle<task_promise_of>::from_promise(*this));
}

/// The bottom of a chain of tasks. Its frame owns the first task and frees itself at the end.
struct detached {
    struct promise_type : promise_base {
        promise_type() noexcept { root = std::coroutine_handle<promise_type>::from_promise(*this); }
        detached get_return_object() const noexcept { return {}; }
        std::suspend_never initial_suspend() const noexcept { return {}; }
        std::suspend_never final_suspend() const noexcept { return {}; }
        void unhandled_exception() const noexcept {}  // of the exception handler: nobody is left
        void return_void() const noexcept {}
    };
};

/// Runs a task that nobody awaits, now, up to its first wait. If the task throws, calls
/// `on_exception`. **Lifetime**: the frame frees itself when the task ends, or goes with the
/// `suspension` that it waits in.
detached spawn(task<void> what, unique_function<void(std::exception_ptr)> on_exception);

/// A waiting coroutine, owned by whatever will wake it. It is resumed once, or destroyed together
/// with the tasks that await it. An awaitable makes one in `await_suspend`. Once it has given the
/// suspension away it must not touch its own members: it may be gone.
class suspension {
public:
    template <task_promise Promise>
    explicit suspension(std::coroutine_handle<Promise> waiting) noexcept
        : waiting_(waiting), root_(waiting.promise().root) {}
    suspension(suspension&& other) noexcept : waiting_(other.waiting_), root_(other.root_) {
        other.waiting_ = nullptr;
        other.root_ = nullptr;
    }
    suspension& operator=(suspension&&) = delete;
    ~suspension() {
        if (root_) root_.destroy();
    }

    void resume() {
        const std::coroutine_handle<> waiting = waiting_;
        waiting_ = nullptr;
        root_ = nullptr;
        waiting.resume();
    }

private:
    std::coroutine_handle<> waiting_;
    std::coroutine_handle<> root_;
};

}  // namespace detail
}  // namespace weft
