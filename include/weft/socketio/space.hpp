#pragma once

#include <exception>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <weft/base/admission.hpp>
#include <weft/base/result.hpp>
#include <weft/base/task.hpp>
#include <weft/base/unique_function.hpp>
#include <weft/schema/schema.hpp>
#include <weft/socketio/ack.hpp>
#include <weft/socketio/detail/handlers.hpp>
#include <weft/socketio/socket.hpp>
#include <weft/socketio/socket_ref.hpp>

namespace weft::auth {
class verifier;
}

namespace weft::socketio {

namespace detail {
class server_core;
struct space_handlers;
}  // namespace detail

/// A refusal with data for the client's `err.data`: `return refuse("not authorized", details);`
template <class T>
[[nodiscard]] refusal refuse(std::string_view message, const T& data) {
    refusal made(message);
    made.data = detail::encode_arguments(data).json;
    return made;
}

/// The answers of the other servers of a cluster.
template <class R>
struct server_replies {
    std::vector<result<R>> answers;  ///< In the order in which they came.
    silent_servers silent;
};

namespace detail {

using server_side_handler = unique_function<void(const raw_arguments&, raw_ack)>;

/// Collects the answers of servers and calls `done` with them.
template <class R, class Done>
replies_callback gather_servers(Done done) {
    return [done = std::move(done), all = server_replies<R>{}](const raw_arguments* answer,
                                                               replies_end end) mutable {
        if (answer != nullptr) {
            all.answers.push_back(decode_ack<R>(*answer));
        } else {
            all.silent = std::move(end.silent);
            done(std::move(all));
        }
    };
}

}  // namespace detail

/// A namespace ("space", because `namespace` is a keyword): the handlers of its sockets, and what
/// you send to all of them. A namespace that a pattern made has the handlers of the pattern.
///
/// An exception in a handler is logged with its place and counted. If it handled an event, the
/// acknowledgement is an error; in a middleware the client is refused with "internal error".
/// **Threads**: set handlers before the server runs. All loops share them; a handler runs on the
/// loop of its socket: with several loops, several at once. Any thread may call functions marked
/// "any" while the server runs.
/// **Lifetime**: the server's.
class space : public event_verbs<space>, public room_verbs<space> {
public:
    static constexpr bool has_latest = true;

    space(const space&) = delete;
    space& operator=(const space&) = delete;
    ~space();

    /// "/", "/chat"; for a pattern, the pattern.
    [[nodiscard]] std::string_view name() const noexcept;

    /// Adds a middleware. The signature decides which kind:
    /// - `T(socket&)`: asked for each socket before it is connected, in the order of registration.
    ///   `T` makes an `admission<>`: `bool`, `result<void>`, `refusal`, `identity`. A refused
    ///   client gets a `connect_error`.
    /// - a coroutine `task<T>(socket_ref)`: the same, but it may wait.
    /// - `T(socket&, std::string_view event, const raw_arguments&)`: asked for each incoming event,
    ///   before its handler. A refused event is acknowledged with an error, if the client asked for
    ///   an acknowledgement, and `on_error` is called.
    template <class F>
    space& use(F middleware) {
        if constexpr (std::is_invocable_v<F&, socket&, std::string_view, const raw_arguments&>) {
            add_filter(detail::make_filter(std::move(middleware)));
        } else {
            add_middleware(detail::make_middleware(std::move(middleware)));
        }
        return *this;
    }

    /// Only clients who show a token that `by` accepts may connect: from `auth.token`
    /// (`token_sources::socketio_auth`), or from the request that began their connection. Others
    /// get a `connect_error`. Like a middleware, it is asked in the order of registration. The
    /// bearer becomes the identity of the client, in all its namespaces. A client with a newer
    /// token of the same subject sends `refresh_token` and gets an acknowledgement:
    ///
    ///     socket.emit("refresh_token", token, (answer) => {})   // {ok: true, expires_in: 3600}
    ///
    /// It is told `token_expiring`, with the seconds that are left, when the token ends within a
    /// minute or so. When that is over, or the token is revoked, the connection is closed.
    space& require(const auth::verifier& by);
    /// A socket is connected: `void(socket&)`, or a coroutine `task<void>(socket_ref)`.
    template <class F>
    space& on_connect(F handler) {
        add_on_connect(detail::make_socket_handler<>(std::move(handler)));
        return *this;
    }
    /// Handles an event with typed arguments. `handler` is `R(socket&, args...)`, or a coroutine
    /// `task<R>(socket_ref, args...)` whose arguments own their data. Several handlers of one event
    /// run in the order of registration; the first acknowledgement counts. **See**: codec.hpp for
    /// the types, docs/guide/socketio.md for what is acknowledged.
    template <class F>
    space& on(std::string_view event, F handler) {
        add_handler(event, detail::make_event_handler<socket>(std::move(handler)));
        return *this;
    }
    /// The arguments of this event, as one JSON array without the acknowledgement, must meet the
    /// schema. They are checked after the middlewares, before any handler of the event. If they do
    /// not, a client that waits for an acknowledgement gets the error there, others as the event
    /// `error`, and `on_error` is called. An attachment is `{"_placeholder":true,"num":0}`.
    /// **See**: docs/guide/validation.md.
    space& validate(std::string_view event, weft::schema arguments);
    /// Called for every incoming event, before its handlers:
    /// `void(socket&, std::string_view event, const raw_arguments&)`.
    space& on_any(unique_function<void(socket&, std::string_view, const raw_arguments&)> handler);
    /// Handles events that have no handler: `void(socket&, std::string_view event,
    /// const raw_arguments&, raw_ack)`. Without this they are dropped, as in Node.
    space& on_unhandled(
        unique_function<void(socket&, std::string_view, const raw_arguments&, raw_ack)> handler);
    /// Called once for every emit in this namespace, before the event goes out.
    space& on_any_outgoing(unique_function<void(std::string_view, const raw_arguments&)> handler);
    /// A socket is about to leave; it still has its rooms: `void(socket&, disconnect_reason)`, or a
    /// coroutine `task<void>(socket_ref, disconnect_reason)`.
    template <class F>
    space& on_disconnecting(F handler) {
        add_on_disconnecting(detail::make_socket_handler<disconnect_reason>(std::move(handler)));
        return *this;
    }
    /// A socket has left its rooms. The last call for it. Signatures as `on_disconnecting`.
    template <class F>
    space& on_disconnect(F handler) {
        add_on_disconnect(detail::make_socket_handler<disconnect_reason>(std::move(handler)));
        return *this;
    }
    /// An event could not be handled (its arguments do not decode, a middleware refused it), or a
    /// broken packet ends the connection: `void(socket&, const error&)`.
    space& on_error(unique_function<void(socket&, const error&)> handler);
    /// This pattern made a namespace on a loop: `void(std::string_view name)`. For patterns only.
    space& on_new_namespace(unique_function<void(std::string_view)> handler);
    /// Another server of the cluster called `server_side_emit`: `void(const raw_arguments&)`, or
    /// `void(const raw_arguments&, ack)` to answer `server_side_emit_with_ack`. **Threads**:
    /// the first loop's.
    template <class F>
    space& on_server_side(std::string_view event, F handler) {
        if constexpr (std::is_invocable_v<F&, const raw_arguments&, ack>) {
            return add_server_side(event, [handler = std::move(handler)](const raw_arguments& args,
                                                                         raw_ack done) mutable {
                handler(args, ack(std::move(done)));
            });
        } else {
            return add_server_side(
                event, [handler = std::move(handler)](const raw_arguments& args, raw_ack) mutable {
                    handler(args);
                });
        }
    }

    // **Threads** (all functions below, and those of `event_verbs` and `room_verbs`): any. On a
    // pattern, they reach every namespace that it made.

    /// See `broadcast_operator::fetch_sockets`.
    void fetch_sockets(unique_function<void(fetched_sockets)> done) {
        others().fetch_sockets(std::move(done));
    }
    [[nodiscard]] detail::fetch_awaitable<fetched_sockets> fetch_sockets() {
        return others().fetch_sockets();
    }
    /// See `broadcast_operator::visit_sockets`.
    void visit_sockets(shared_function<void(socket&)> visit) {
        others().visit_sockets(std::move(visit));
    }
    void sockets_join(std::string_view room) { others().sockets_join(room); }
    void sockets_leave(std::string_view room) { others().sockets_leave(room); }
    void disconnect_sockets(disconnect_scope what = disconnect_scope::this_namespace) {
        others().disconnect_sockets(what);
    }
    /// Calls the handlers of the other servers of the cluster. Does nothing without an adapter.
    template <class... Args>
    void server_side_emit(std::string_view event, const Args&... args) {
        emit_server_side(event, detail::encode_arguments(args...));
    }
    /// The same, and gives the `server_replies<R>` when all the others have answered or
    /// `options::ack_timeout` is over. Await it, or pass a callback as the last argument. If you do
    /// neither, nothing is sent.
    template <class R = void, class... Args>
    auto server_side_emit_with_ack(std::string_view event, Args&&... args) {
        if constexpr (detail::last_is<server_replies<R>, Args...>) {
            detail::with_callback(
                [&](auto told, const encoded_arguments& encoded) {
                    ask_server_side(event, encoded, detail::gather_servers<R>(std::move(told)));
                },
                std::forward<Args>(args)...);
        } else {
            return detail::await_reply<server_replies<R>>(
                [this, event = std::string(event),
                 encoded = detail::encode_arguments(args...)](auto told) {
                    ask_server_side(event, encoded, detail::gather_servers<R>(std::move(told)));
                });
        }
    }
    /// How many sockets are connected here, on all loops.
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
    space& add_server_side(std::string_view event, detail::server_side_handler handler);
    void emit_server_side(std::string_view event, const encoded_arguments& args);
    void ask_server_side(std::string_view event, const encoded_arguments& args,
                         detail::replies_callback on_reply);

    std::shared_ptr<const detail::space_info> info_;
};

}  // namespace weft::socketio
