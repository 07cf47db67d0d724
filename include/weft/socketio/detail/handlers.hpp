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

/// What users register, brought to one form. Not for users.
namespace weft::socketio::detail {

/// Who waits for an admission: one step of a socket's, or a namespace's, way in. Given once, from
/// any thread; what comes too late does nothing. Destroyed without, it refuses.
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
    /// The middleware threw: logged and counted; the client learns no more than "internal error".
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

/// For what a coroutine handler throws.
[[nodiscard]] raw_ack failure_report(socket& of);

/// Awaits what is decided at a gate.
inline task<void> settle_later(task<admission<>> deciding, std::shared_ptr<gate> at) {
    at->settle(co_await std::move(deciding));
}
template <class T>
void spawn_decision(task<T> deciding, gate at) {
    auto shared = std::make_shared<gate>(std::move(at));
    weft::detail::spawn(settle_later(weft::detail::admit<void>(std::move(deciding)), shared),
                        [shared](const std::exception_ptr& thrown) { shared->failed(thrown); });
}

template <class F>
middleware make_middleware(F decide_it) {
    if constexpr (std::is_invocable_v<F&, socket&>) {
        using returned = std::invoke_result_t<F&, socket&>;
        static_assert(!is_task<returned>,
                      "weft: a coroutine may not borrow the socket; take a socket_ref instead");
        static_assert(weft::detail::makes_admission<returned, void>,
                      "weft: a middleware returns bool, result<void>, refusal or admission");
        return [decide_it = std::move(decide_it)](socket& s, gate at) mutable {
            at.settle(decide_it(s));
        };
    } else {
        static_assert(std::is_invocable_v<F&, socket_ref>,
                      "weft: a middleware takes (socket&), or is a coroutine taking (socket_ref), "
                      "or takes (socket&, std::string_view, const raw_arguments&)");
        static_assert(is_task<std::invoke_result_t<F&, socket_ref>>,
                      "weft: a middleware that takes a socket_ref is a coroutine, "
                      "task<result<void>>(socket_ref)");
        return [decide_it = std::move(decide_it)](socket& s, gate at) mutable {
            spawn_decision(decide_it(s.ref()), std::move(at));
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
                                                  gate at) mutable {
            spawn_decision(decide_it(std::string(name), std::string(auth)), std::move(at));
        };
    } else {
        static_assert(std::is_invocable_v<F&, std::string_view, std::string_view>,
                      "weft: a predicate takes (std::string_view name, std::string_view auth)");
        return [decide_it = std::move(decide_it)](std::string_view name, std::string_view auth,
                                                  gate at) mutable {
            at.settle(decide_it(name, auth));
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
