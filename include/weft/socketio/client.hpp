#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <weft/base/result.hpp>
#include <weft/base/unique_function.hpp>
#include <weft/net/loop.hpp>
#include <weft/net/tls.hpp>
#include <weft/pubsub/message.hpp>
#include <weft/socketio/client_options.hpp>
#include <weft/socketio/detail/emit.hpp>
#include <weft/socketio/detail/typed.hpp>
#include <weft/socketio/emission.hpp>

namespace weft::socketio {

class client;
class client_socket;

namespace detail {
class client_core;
class client_home;
class client_namespace;
}  // namespace detail

/// Why a client's socket is no longer connected, in the words of the Socket.IO documentation.
enum class client_disconnect_reason : std::uint8_t {
    io_server_disconnect,  ///< The server took leave; the socket does not come back by itself.
    io_client_disconnect,  ///< `disconnect` was called here.
    ping_timeout,
    transport_close,
    transport_error,
    parse_error,
};

/// "io server disconnect" and so on, exactly as the JavaScript client says it.
[[nodiscard]] std::string_view to_string(client_disconnect_reason why) noexcept;

/// How a socket was disconnected. **Lifetime**: the handler's call.
struct client_disconnect {
    client_disconnect_reason reason;
    const error& why;
};

/// Why a socket could not connect. **Lifetime**: the handler's call.
struct connect_error {
    /// What the server said, or what went wrong with the connection.
    std::string_view message;
    /// A JSON value which the server sent along, or empty.
    std::string_view data;
    /// `errc::refused_by_peer` when the server refused: then the socket is not `active` and does
    /// not try again by itself.
    const error& why;
};

/// A name for a client's socket, to keep in coroutines and other threads. It has the verbs of the
/// socket; when the client is gone they do nothing.
/// **Threads**: any. Off the loop a verb travels there as a task, so that `queued` means no more
/// than that.
class client_socket_ref : public event_verbs<client_socket_ref> {
public:
    using ref_type = client_socket_ref;
    static constexpr bool has_latest = false;

    /// Names nothing.
    client_socket_ref() noexcept = default;

    /// The loop that the client lives on, to wait on: `co_await sleep_for(s.loop(), 1s)`.
    [[nodiscard]] loop_ref loop() const;
    [[nodiscard]] client_socket_ref ref() const { return *this; }

    void connect() const;
    void disconnect() const;
    /// Runs `task(client_socket&)` on the loop, now if this is it; never when the client is gone.
    void with(unique_function<void(client_socket&)> task) const;

private:
    friend class client_socket;
    friend class emission<client_socket_ref>;
    friend class event_verbs<client_socket_ref>;

    [[nodiscard]] emission<client_socket_ref> phrase() const noexcept {
        return emission<client_socket_ref>(*this);
    }
    send_status emit_encoded(std::string_view event, const encoded_arguments& args,
                             const detail::emit_flags& flags) const;
    void emit_awaiting(std::string_view event, const encoded_arguments& args,
                       const detail::emit_flags& flags, detail::ack_callback on_ack) const;

    std::shared_ptr<detail::client_home> home_;
    detail::client_namespace* at_ = nullptr;  // valid while home_ knows the client
};

/// A client's end of one namespace. It is made by `client::of` and lives as long as the client,
/// whether it is connected or not.
///
/// Nothing here calls a handler before it returns. What handlers throw is logged.
/// **Threads**: the loop's; elsewhere use `ref()`. **Lifetime**: the client's.
class client_socket : public event_verbs<client_socket> {
public:
    using ref_type = client_socket_ref;
    static constexpr bool has_latest = false;

    client_socket(const client_socket&) = delete;
    client_socket& operator=(const client_socket&) = delete;
    ~client_socket();

    /// What the server calls this connection; empty unless connected.
    [[nodiscard]] std::string_view id() const noexcept;
    /// The name of the namespace.
    [[nodiscard]] std::string_view nsp() const noexcept;
    [[nodiscard]] client_socket_ref ref() const;
    [[nodiscard]] bool connected() const noexcept;
    /// Whether it is connected, or will be when the connection is there again.
    [[nodiscard]] bool active() const noexcept;
    /// Whether the server brought back what was missed while the connection was lost.
    [[nodiscard]] bool recovered() const noexcept;

    /// Connects, unless it is active already. **Errors**: as `client::connect`.
    result<void> connect();
    /// Takes leave of the server; what waits to be sent is sent when it is connected again. The
    /// last active socket takes the connection with it.
    void disconnect();
    /// What the next connection shows, in place of `client_options::auth`.
    void set_auth(client_auth auth);

    // Handlers of one kind run in the order they were added. They may add and remove some.

    /// Handles an event. The parameters are those of a server's handler: the socket or not, the
    /// arguments, perhaps an `ack`; what it returns acknowledges, if it is the event's first.
    ///
    ///     s.on("question", [](std::string text) { return text.size(); });
    template <class F>
    client_socket& on(std::string_view event, F handler) {
        add_handler(event, detail::make_event_handler<client_socket>(std::move(handler)));
        return *this;
    }
    /// Handles the event when it comes next, and then no more.
    template <class F>
    client_socket& once(std::string_view event, F handler) {
        add_handler_once(event, detail::make_event_handler<client_socket>(std::move(handler)));
        return *this;
    }
    /// Removes the handlers of one event, or of all.
    client_socket& off(std::string_view event);
    client_socket& off();
    using any_handler =
        unique_function<void(client_socket&, std::string_view event, const raw_arguments&)>;
    /// Hears of every event before its handlers do, and of those without any.
    client_socket& on_any(any_handler handler);
    client_socket& off_any();
    /// Hears of every event that is sent, once it is.
    client_socket& on_any_outgoing(any_handler handler);
    client_socket& off_any_outgoing();
    /// Handles the events that have no handler. Without this they are dropped.
    client_socket& on_unhandled(
        unique_function<void(client_socket&, std::string_view event, const raw_arguments&, raw_ack)>
            handler);
    client_socket& on_connect(unique_function<void(client_socket&)> handler);
    client_socket& on_connect_error(
        unique_function<void(client_socket&, const connect_error&)> handler);
    client_socket& on_disconnect(
        unique_function<void(client_socket&, const client_disconnect&)> handler);

private:
    friend class detail::client_core;
    friend class detail::client_namespace;
    friend class client_socket_ref;
    friend class emission<client_socket>;
    friend class event_verbs<client_socket>;

    explicit client_socket(std::unique_ptr<detail::client_namespace> at) noexcept;
    [[nodiscard]] emission<client_socket> phrase() const noexcept {
        return emission<client_socket>(*this);
    }
    void add_handler(std::string_view event, detail::typed_event_handler<client_socket> handler);
    void add_handler_once(std::string_view event,
                          detail::typed_event_handler<client_socket> handler);
    send_status emit_encoded(std::string_view event, const encoded_arguments& args,
                             const detail::emit_flags& flags) const;
    void emit_awaiting(std::string_view event, const encoded_arguments& args,
                       const detail::emit_flags& flags, detail::ack_callback on_ack) const;

    std::unique_ptr<detail::client_namespace> at_;
};

/// A connection to a Socket.IO server, which comes back by itself, and the namespaces on it.
///
///     weft::socketio::client io(loop, {.url = "http://localhost:3000"});
///     auto& s = io.socket();
///     s.on("news", [](std::string text) { ... });
///     s.emit("hello", "world");
///
/// What the JavaScript client splits into Manager and `io()` is one object here.
/// **Threads**: the loop's, or one that sets it up while the loop is attached to nobody; a program
/// without a loop has `client_thread`. **Lifetime**: may be destroyed at any time, also in a
/// handler; takes leave of the server then, without further calls.
class client {
public:
    /// `on` is a `weft::loop`, or a server's (`server.loop(0)`).
    explicit client(loop_ref on, client_options options, tls_client_options tls = {});
    ~client();
    client(const client&) = delete;
    client& operator=(const client&) = delete;

    /// The socket of a namespace, such as "/chat"; made when it is first asked for, and then it
    /// connects unless `auto_connect` is off.
    client_socket& of(std::string_view nsp);
    /// The socket of the namespace that the URL names, else of "/".
    client_socket& socket();

    /// Connects, and with it the sockets that are active or waiting to be; a pending attempt to
    /// come back is made now. Harmless when connected. **Errors**: what is wrong with the options,
    /// `shutting_down` when the loop is gone, `wrong_thread`.
    result<void> connect();
    /// Disconnects all sockets and ends reconnecting.
    void disconnect();
    [[nodiscard]] bool connected() const noexcept;
    /// "polling" or "websocket"; empty unless connected.
    [[nodiscard]] std::string_view transport() const noexcept;

    // Of the connection itself.
    /// An attempt to connect failed, or the connection broke the protocol.
    client& on_error(unique_function<void(const error&)> handler);
    /// An attempt to come back begins; its number, from 1.
    client& on_reconnect_attempt(unique_function<void(unsigned attempt)> handler);
    client& on_reconnect(unique_function<void(unsigned attempt)> handler);
    client& on_reconnect_error(unique_function<void(const error&)> handler);
    /// All attempts have failed.
    client& on_reconnect_failed(unique_function<void()> handler);
    /// The server asked whether we are there.
    client& on_ping(unique_function<void()> handler);
    /// The connection goes on over another transport: "websocket".
    client& on_upgrade(unique_function<void(std::string_view transport)> handler);

private:
    friend class client_thread;
    std::shared_ptr<detail::client_core> core_;
};

}  // namespace weft::socketio
