#pragma once

#include <exception>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <weft/base/admission.hpp>
#include <weft/base/result.hpp>
#include <weft/base/task.hpp>
#include <weft/base/unique_function.hpp>
#include <weft/socketio/ack.hpp>
#include <weft/socketio/detail/handlers.hpp>
#include <weft/socketio/socket.hpp>
#include <weft/socketio/socket_ref.hpp>

namespace weft::socketio {

namespace detail {
class server_core;
struct space_handlers;
}  // namespace detail

/// A refusal with something more for the client's `err.data`:
/// `return refuse("not authorized", details);`
template <class T>
[[nodiscard]] refusal refuse(std::string_view message, const T& data) {
    refusal made(message);
    made.data = detail::encode_arguments(data).json;
    return made;
}

/// A namespace ("space", because C++ keeps the word): what its sockets do, and what is said to all
/// of them. One that a pattern made has the handlers of the pattern.
///
/// **Threads**: set handlers before the server runs; they are shared by all loops and run on that
/// of their socket: with several loops, several at once. What is marked "any" may be called from
/// everywhere while it runs.
/// **Lifetime**: the server's.
class space : public event_verbs<space>, public room_verbs<space> {
public:
    static constexpr bool has_latest = true;

    space(const space&) = delete;
    space& operator=(const space&) = delete;
    ~space();

    /// "/", "/chat"; of a pattern, the pattern.
    [[nodiscard]] std::string_view name() const noexcept;

    /// A middleware. The signature decides which kind:
    /// - `T(socket&)`: asked for each socket before it is connected, in the order of registration.
    ///   `T` is what makes an `admission<>`: `bool`, `result<void>`, `refusal`, `identity`. What is
    ///   refused the client sees as `connect_error`.
    /// - a coroutine `task<T>(socket_ref)`: the same, in its own time.
    /// - `T(socket&, std::string_view event, const raw_arguments&)`: asked for each incoming event,
    ///   before its handler. What is refused is acknowledged with an error, if an acknowledgement
    ///   was asked for, and told to `on_error`.
    /// What throws refuses with "internal error".
    template <class F>
    space& use(F middleware) {
        if constexpr (std::is_invocable_v<F&, socket&, std::string_view, const raw_arguments&>) {
            add_filter(detail::make_filter(std::move(middleware)));
        } else {
            add_middleware(detail::make_middleware(std::move(middleware)));
        }
        return *this;
    }

    /// `void(socket&)`, or a coroutine `task<void>(socket_ref)`: a socket is connected.
    template <class F>
    space& on_connect(F handler) {
        add_on_connect(detail::make_socket_handler<>(std::move(handler)));
        return *this;
    }
    /// Handles an event with typed arguments; see `codec.hpp` for the types and the guide for what
    /// is acknowledged. `handler` is `R(socket&, args...)`, or a coroutine
    /// `task<R>(socket_ref, args...)` whose arguments own what they hold. Several handlers of one
    /// event run in the order of registration; the first that acknowledges does.
    template <class F>
    space& on(std::string_view event, F handler) {
        add_handler(event, detail::make_event_handler<socket>(std::move(handler)));
        return *this;
    }
    /// `void(socket&, std::string_view event, const raw_arguments&)`: every incoming event, before
    /// its handlers.
    space& on_any(unique_function<void(socket&, std::string_view, const raw_arguments&)> handler);
    /// `void(socket&, std::string_view event, const raw_arguments&, raw_ack)`: the events that have
    /// no handler. Without this they are dropped, as in Node.
    space& on_unhandled(
        unique_function<void(socket&, std::string_view, const raw_arguments&, raw_ack)> handler);
    /// Every event that is emitted here, once per emit, before it goes out.
    space& on_any_outgoing(unique_function<void(std::string_view, const raw_arguments&)> handler);
    /// `void(socket&, disconnect_reason)`, or a coroutine `task<void>(socket_ref,
    /// disconnect_reason)`: the socket leaves, its rooms are still there.
    template <class F>
    space& on_disconnecting(F handler) {
        add_on_disconnecting(detail::make_socket_handler<disconnect_reason>(std::move(handler)));
        return *this;
    }
    /// The same, when its rooms are left; the last call about this socket.
    template <class F>
    space& on_disconnect(F handler) {
        add_on_disconnect(detail::make_socket_handler<disconnect_reason>(std::move(handler)));
        return *this;
    }
    /// `void(socket&, const error&)`: an event could not be handled (arguments that do not decode,
    /// a middleware that refused), or its connection ends for a broken packet.
    space& on_error(unique_function<void(socket&, const error&)> handler);
    /// `void(std::string_view name)`: a pattern made a namespace on a loop. Of a pattern only.
    space& on_new_namespace(unique_function<void(std::string_view)> handler);
    /// `void(const raw_arguments&)`: another server of the cluster said so by `server_side_emit`.
    space& on_server_side(std::string_view event,
                          unique_function<void(const raw_arguments&)> handler);

    /// **Threads** (this, all below, and what `event_verbs` and `room_verbs` bring): any. Of a
    /// pattern: in every namespace that it made.
    void fetch_sockets(unique_function<void(std::vector<remote_socket>)> done) {
        others().fetch_sockets(std::move(done));
    }
    [[nodiscard]] auto fetch_sockets() { return others().fetch_sockets(); }
    void sockets_join(std::string_view room) { others().sockets_join(room); }
    void sockets_leave(std::string_view room) { others().sockets_leave(room); }
    void disconnect_sockets(disconnect_scope what = disconnect_scope::this_namespace) {
        others().disconnect_sockets(what);
    }
    /// To the handlers of the other servers of the cluster: nothing without an adapter.
    template <class... Args>
    void server_side_emit(std::string_view event, const Args&... args) {
        emit_server_side(event, detail::encode_arguments(args...));
    }
    /// Sockets that are connected here, on all loops.
    [[nodiscard]] std::size_t sockets_count() const noexcept;

protected:
    explicit space(std::shared_ptr<const detail::space_info> info) noexcept;

private:
    friend class detail::server_core;

    friend class event_verbs<space>;
    friend class room_verbs<space>;

    [[nodiscard]] broadcast_operator others() const noexcept;
    [[nodiscard]] broadcast_operator phrase() const noexcept { return others(); }
    void add_filter(detail::filter what);
    void add_middleware(detail::middleware what);
    void add_on_connect(detail::socket_handler<> what);
    void add_handler(std::string_view event, detail::event_handler what);
    void add_on_disconnecting(detail::socket_handler<disconnect_reason> what);
    void add_on_disconnect(detail::socket_handler<disconnect_reason> what);
    void emit_server_side(std::string_view event, const encoded_arguments& args);

    std::shared_ptr<const detail::space_info> info_;
};

}  // namespace weft::socketio
