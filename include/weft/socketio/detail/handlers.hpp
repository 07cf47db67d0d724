#pragma once

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <weft/base/admission.hpp>
#include <weft/base/task.hpp>
#include <weft/base/unique_function.hpp>
#include <weft/socketio/ack.hpp>
#include <weft/socketio/detail/typed.hpp>
#include <weft/socketio/socket.hpp>
#include <weft/socketio/socket_ref.hpp>

/// Converts what users register to one form. For the library.
namespace weft::socketio::detail {

/// Takes the decision of one step on the way into a namespace. **Threads**: any. The first decision
/// counts; one that comes too late does nothing. If destroyed without a decision, it refuses.
class gate {
public:
    gate(std::shared_ptr<loop_context> context, std::uint64_t key, std::uint32_t step) noexcept
        : context_(std::move(context)), key_(key), step_(step) {}
    gate(gate&&) noexcept = default;
    gate& operator=(gate&&) = delete;
    ~gate() {
        if (context_) settle(refusal("internal error"));
    }

    void settle(admission<> decided) noexcept;
    /// The middleware threw: logs and counts it, and tells the client only "internal error".
    void failed(const std::exception_ptr& thrown) noexcept;

private:
    std::shared_ptr<loop_context> context_;
    std::uint64_t key_;
    std::uint32_t step_;
};

using middleware = unique_function<void(socket&, gate)>;
using predicate = unique_function<void(std::string_view name, std::string_view auth, gate)>;
using filter = unique_function<admission<>(socket&, std::string_view, const raw_arguments&)>;
template <class... Args>
using socket_handler = unique_function<void(socket&, Args...)>;
using event_handler =
    unique_function<void(socket&, std::string_view event, const raw_arguments&, raw_ack)>;

/// Reports the exception of a coroutine handler.
[[nodiscard]] raw_ack failure_report(socket& source);

/// Awaits a decision and gives it to the gate.
void spawn_decision(task<admission<>> deciding, gate entry);

template <class F>
middleware make_middleware(F decide_it) {
    if constexpr (std::is_invocable_v<F&, socket&>) {
        using returned = std::invoke_result_t<F&, socket&>;
        static_assert(!is_task<returned>,
                      "weft: a coroutine may not borrow the socket; take a socket_ref instead");
        static_assert(weft::detail::makes_admission<returned, void>,
                      "weft: a middleware returns bool, result<void>, refusal or admission");
        return [decide_it = std::move(decide_it)](socket& s, gate entry) mutable {
            entry.settle(decide_it(s));
        };
    } else {
        static_assert(std::is_invocable_v<F&, socket_ref>,
                      "weft: a middleware takes (socket&), or is a coroutine taking (socket_ref), "
                      "or takes (socket&, std::string_view, const raw_arguments&)");
        static_assert(is_task<std::invoke_result_t<F&, socket_ref>>,
                      "weft: a middleware that takes a socket_ref is a coroutine, "
                      "task<result<void>>(socket_ref)");
        return [decide_it = std::move(decide_it)](socket& s, gate entry) mutable {
            spawn_decision(weft::detail::admit<void>(decide_it(s.ref())), std::move(entry));
        };
    }
}

template <class F>
filter make_filter(F decide_it) {
    using returned = std::invoke_result_t<F&, socket&, std::string_view, const raw_arguments&>;
    static_assert(weft::detail::makes_admission<returned, void>,
                  "weft: a middleware for events returns bool, result<void>, refusal or admission; "
                  "it cannot be a coroutine, since events are handled in order");
    return [decide_it = std::move(decide_it)](socket& s, std::string_view event,
                                              const raw_arguments& args) mutable {
        return admission<>(decide_it(s, event, args));
    };
}

template <class F>
predicate make_predicate(F decide_it) {
    if constexpr (std::is_invocable_v<F&, std::string, std::string> &&
                  is_task<std::invoke_result_t<F&, std::string, std::string>>) {
        return [decide_it = std::move(decide_it)](std::string_view name, std::string_view auth,
                                                  gate entry) mutable {
            spawn_decision(
                weft::detail::admit<void>(decide_it(std::string(name), std::string(auth))),
                std::move(entry));
        };
    } else {
        static_assert(std::is_invocable_v<F&, std::string_view, std::string_view>,
                      "weft: a predicate takes (std::string_view name, std::string_view auth)");
        return [decide_it = std::move(decide_it)](std::string_view name, std::string_view auth,
                                                  gate entry) mutable {
            entry.settle(decide_it(name, auth));
        };
    }
}

template <class... Args, class F>
socket_handler<Args...> make_socket_handler(F handler) {
    if constexpr (std::is_invocable_v<F&, socket&, Args...>) {
        static_assert(!is_task<std::invoke_result_t<F&, socket&, Args...>>,
                      "weft: a coroutine may not borrow the socket; take a socket_ref instead");
        return handler;
    } else {
        static_assert(std::is_invocable_r_v<task<void>, F&, socket_ref, Args...>,
                      "weft: this handler takes (socket&, ...), or is a coroutine "
                      "task<void>(socket_ref, ...)");
        return [handler = std::move(handler)](socket& s, Args... args) mutable {
            weft::detail::spawn(handler(s.ref(), args...),
                                [report = failure_report(s)](std::exception_ptr thrown) mutable {
                                    report.fail(std::move(thrown));
                                });
        };
    }
}

}  // namespace weft::socketio::detail
