#pragma once

#include <concepts>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <weft/base/result.hpp>
#include <weft/base/task.hpp>
#include <weft/base/unique_function.hpp>
#include <weft/socketio/ack.hpp>
#include <weft/socketio/arguments.hpp>

/// Turns handlers with typed arguments into what the core calls. For the library. The table of what
/// is acknowledged is in docs/design/socketio.md.
namespace weft::socketio::detail {

using weft::detail::is_task;

template <class T>
inline constexpr bool is_result = false;
template <class T>
inline constexpr bool is_result<result<T>> = true;

template <class... T>
struct type_list {
    static constexpr std::size_t size = sizeof...(T);
};

/// The parameter types of a callable that has exactly one signature.
template <class F>
struct signature;
template <class R, class... P>
struct signature<R (*)(P...)> {
    using returned = R;
    using parameters = type_list<P...>;
};
template <class R, class... P>
struct signature<R (*)(P...) noexcept> : signature<R (*)(P...)> {};
template <class F, class R, class... P>
struct signature<R (F::*)(P...)> : signature<R (*)(P...)> {};
template <class F, class R, class... P>
struct signature<R (F::*)(P...) noexcept> : signature<R (*)(P...)> {};
template <class F, class R, class... P>
struct signature<R (F::*)(P...) const> : signature<R (*)(P...)> {};
template <class F, class R, class... P>
struct signature<R (F::*)(P...) const noexcept> : signature<R (*)(P...)> {};
template <class F>
requires requires {
    &F::operator();
}
struct signature<F> : signature<decltype(&F::operator())> {};

template <class F>
concept has_signature = requires {
    typename signature<F>::returned;
};

/// How the first parameter of a handler takes the socket.
enum class peer_parameter : std::uint8_t { none, borrowed, reference };

template <class Peer, class Parameter>
inline constexpr peer_parameter peer_kind =
    std::is_same_v<std::remove_cvref_t<Parameter>, Peer> ? peer_parameter::borrowed
    : std::is_same_v<std::remove_cvref_t<Parameter>, typename Peer::ref_type>
        ? peer_parameter::reference
        : peer_parameter::none;

/// The roles of a handler's parameters: the socket, decoded arguments, an `ack`.
template <class Peer, class... P>
struct parameters_of {
    using all = std::tuple<P...>;
    static constexpr std::size_t count = sizeof...(P);

    static constexpr peer_parameter peer = [] {
        if constexpr (count == 0) {
            return peer_parameter::none;
        } else {
            return peer_kind<Peer, std::tuple_element_t<0, all>>;
        }
    }();
    static constexpr bool copies_peer = [] {
        if constexpr (peer == peer_parameter::borrowed) {
            return !std::is_lvalue_reference_v<std::tuple_element_t<0, all>>;
        } else {
            return false;
        }
    }();
    static constexpr std::size_t first = peer == peer_parameter::none ? 0 : 1;
    static constexpr bool takes_ack = [] {
        if constexpr (count <= first) {
            return false;
        } else {
            return std::is_same_v<std::remove_cvref_t<std::tuple_element_t<count - 1, all>>, ack>;
        }
    }();
    static constexpr std::size_t decoded = count - first - (takes_ack ? 1 : 0);

    template <std::size_t I>
    using parameter = std::tuple_element_t<first + I, all>;
    template <std::size_t I>
    using argument = std::remove_cvref_t<parameter<I>>;

    template <class>
    struct types;
    template <std::size_t... I>
    struct types<std::index_sequence<I...>> {
        using arguments = std::tuple<argument<I>...>;
        static constexpr bool decode = (check_decodable<argument<I>>::value && ...);
        static constexpr bool borrow = (borrows<argument<I>> || ...);
        static constexpr bool rest_is_last =
            ((!is_rest<argument<I>> || I + 1 == sizeof...(I)) && ...);
    };
    using typed = types<std::make_index_sequence<decoded>>;
    static constexpr bool by_value = (!std::is_reference_v<P> && ...);
};

/// The rules for handlers, one line each.
template <class Peer, class R, class... P>
constexpr bool check_handler(type_list<P...>) {
    using parameters = parameters_of<Peer, P...>;
    constexpr bool coroutine = is_task<R>;
    constexpr bool keeps_socket = coroutine && parameters::peer == peer_parameter::borrowed;
    constexpr bool copies_socket = !coroutine && parameters::copies_peer;
    constexpr bool keeps_reference = coroutine && !keeps_socket && !parameters::by_value;
    constexpr bool keeps_view = coroutine && parameters::typed::borrow;
    constexpr bool answers_twice =
        parameters::takes_ack && !std::is_void_v<R> && !std::is_same_v<R, task<void>>;
    static_assert(
        !keeps_socket,
        "weft: a coroutine may not borrow the socket; take a socket_ref by value instead");
    static_assert(!copies_socket,
                  "weft: a handler takes the socket by reference, as socket&; to keep it, take its "
                  "socket_ref");
    static_assert(!keeps_reference, "weft: a coroutine handler takes its parameters by value");
    static_assert(!keeps_view,
                  "weft: a coroutine handler may not borrow its arguments; take std::string, "
                  "std::vector<std::byte> or json_text instead");
    static_assert(parameters::typed::rest_is_last, "weft: rest is the last of the arguments");
    static_assert(!answers_twice,
                  "weft: a handler that takes an ack acknowledges with it, so it returns nothing");
    return parameters::typed::decode && parameters::typed::rest_is_last && !keeps_socket &&
           !copies_socket && !keeps_reference && !keeps_view && !answers_twice;
}

/// Acknowledges with what a handler returned.
template <class R>
void acknowledge(raw_ack& reply, const R& returned) {
    if constexpr (is_result<R>) {
        if (!returned) return reply.refuse(returned.error());
        if constexpr (std::is_void_v<typename R::value_type>) {
            if (reply) reply.send(encoded_arguments{});
        } else {
            acknowledge(reply, *returned);
        }
    } else {
        if (reply) reply.send(encode_answer(returned));
    }
}

/// Awaits a coroutine handler and acknowledges with its value.
template <class R>
task<void> acknowledge_task(task<R> running, raw_ack reply, std::string event) {
    std::exception_ptr thrown;
    try {
        if constexpr (std::is_void_v<R>) {
            co_await std::move(running);
            if (reply) reply.send(encoded_arguments{});
        } else {
            const R returned = co_await std::move(running);
            acknowledge(reply, returned);
        }
    } catch (...) {
        thrown = std::current_exception();
    }
    if (thrown) reply.fail(std::move(thrown), event);
}

/// The same for a coroutine that takes an `ack`: only reports its exception.
task<void> report_task(task<void> running, raw_ack reply, std::string event);

/// Calls a typed handler.
template <class Peer, class F, class R, class... P>
class typed_handler {
    using parameters = parameters_of<Peer, P...>;
    using arguments = typename parameters::typed::arguments;

public:
    // A coroutine that is a lambda refers to it, so its address must not change.
    explicit typed_handler(F&& handler) : handler_(std::make_unique<F>(std::move(handler))) {}

    void operator()(Peer& peer, std::string_view event, const raw_arguments& raw, raw_ack reply) {
        raw_ack failed = parameters::takes_ack ? reply.reporter() : raw_ack();
        std::exception_ptr thrown;
        try {
            borrowed_texts texts;
            auto decoded = decode(event, raw, texts, std::type_identity<arguments>());
            if (!decoded) return reply.refuse(decoded.error());
            run(peer, event, *decoded, reply, failed);
            return;
        } catch (...) {
            thrown = std::current_exception();
        }
        (parameters::takes_ack ? failed : reply).fail(std::move(thrown), event);
    }

private:
    template <class... T>
    static result<arguments> decode(std::string_view event, const raw_arguments& raw,
                                    borrowed_texts& texts, std::type_identity<std::tuple<T...>>) {
        return decode_arguments<T...>(event, raw, texts);
    }

    void run(Peer& peer, [[maybe_unused]] std::string_view event, arguments& decoded,
             raw_ack& reply, raw_ack& failed) {
        if constexpr (is_task<R> && parameters::takes_ack) {
            weft::detail::spawn(
                report_task(call(peer, decoded, reply), std::move(failed), std::string(event)),
                [](const std::exception_ptr&) {});
        } else if constexpr (is_task<R>) {
            weft::detail::spawn(
                acknowledge_task(call(peer, decoded, reply), std::move(reply), std::string(event)),
                [](const std::exception_ptr&) {});
        } else if constexpr (std::is_void_v<R>) {
            call(peer, decoded, reply);
            if (reply) reply.send(encoded_arguments{});
        } else {
            acknowledge(reply, call(peer, decoded, reply));
        }
    }

    R call(Peer& peer, arguments& decoded, raw_ack& reply) {
        return [&]<std::size_t... I>(std::index_sequence<I...>)->R {
            auto with_peer = [&](auto&&... more) -> R {
                if constexpr (parameters::peer == peer_parameter::borrowed) {
                    return (*handler_)(peer, std::forward<decltype(more)>(more)...);
                } else if constexpr (parameters::peer == peer_parameter::reference) {
                    return (*handler_)(peer.ref(), std::forward<decltype(more)>(more)...);
                } else {
                    return (*handler_)(std::forward<decltype(more)>(more)...);
                }
            };
            using each = parameters;
            if constexpr (parameters::takes_ack) {
                return with_peer(
                    pass<typename each::template parameter<I>>(std::get<I>(decoded))...,
                    ack(std::move(reply)));
            } else {
                return with_peer(
                    pass<typename each::template parameter<I>>(std::get<I>(decoded))...);
            }
        }
        (std::make_index_sequence<parameters::decoded>{});
    }

    /// Moves arguments taken by value or by `&&`; lends the others.
    template <class Parameter>
    static Parameter&& pass(std::remove_cvref_t<Parameter>& argument) noexcept {
        return static_cast<Parameter&&>(argument);
    }

    std::unique_ptr<F> handler_;
};

template <class Peer>
using typed_event_handler =
    unique_function<void(Peer&, std::string_view, const raw_arguments&, raw_ack)>;

/// Turns a handler with typed parameters into what the core calls.
template <class Peer, class F>
[[nodiscard]] typed_event_handler<Peer> make_event_handler(F handler) {
    static_assert(has_signature<F>,
                  "weft: an event handler names the types of its parameters, so that they can be "
                  "decoded: no auto, no overloads");
    if constexpr (has_signature<F>) {
        using R = typename signature<F>::returned;
        return []<class... P>(F&& what, type_list<P...> list) -> typed_event_handler<Peer> {
            if constexpr (check_handler<Peer, R>(decltype(list){})) {
                return typed_handler<Peer, F, R, P...>(std::move(what));
            } else {
                return {};
            }
        }(std::move(handler), typename signature<F>::parameters{});
    } else {
        return {};
    }
}

}  // namespace weft::socketio::detail
