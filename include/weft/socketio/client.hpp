#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <weft/base/owned_ptr.hpp>
#include <weft/base/result.hpp>
#include <weft/base/unique_function.hpp>
#include <weft/http/head.hpp>
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

/// Why a client's socket is no longer connected. The names are those of the Socket.IO
/// documentation.
enum class client_disconnect_reason : std::uint8_t {
    io_server_disconnect,  ///< The server disconnected it; it does not reconnect by itself.
    io_client_disconnect,  ///< `disconnect` was called here.
    ping_timeout,
    transport_close,
    transport_error,
    parse_error,
};

/// "io server disconnect" and so on, exactly as in the JavaScript client.
[[nodiscard]] std::string_view to_string(client_disconnect_reason why) noexcept;

/// How a socket was disconnected. **Lifetime**: the handler's call.
struct client_disconnect {
    client_disconnect_reason reason;
    const error& why;
};

/// Why a socket could not connect. **Lifetime**: the handler's call.
struct connect_error {
    /// The message of the server, or what went wrong with the connection.
    std::string_view message;
    /// A JSON value from the server, or empty.
    std::string_view data;
    /// `errc::refused_by_peer` if the server refused. The socket is then not `active` and does not
    /// try again by itself.
    const error& why;
    /// What the server answered, with its headers, if it refused the connection by HTTP: a status
    /// other than the one expected. Else null.
    const http::client_response* response = nullptr;
};

/// A reference to a client's socket, to keep in coroutines and other threads. It can do what the
/// socket can. If the client is gone, calls do nothing.
/// **Threads**: any. From another thread a call travels to the loop as a task; `queued` then means
/// only that.
class client_socket_ref : public event_verbs<client_socket_ref> {
public:
    using ref_type = client_socket_ref;
    static constexpr bool has_latest = false;

    /// Refers to no socket.
    client_socket_ref() noexcept = default;

    /// The loop of the client. Wait on it: `co_await sleep_for(s.loop(), 1s)`.
    [[nodiscard]] loop_ref loop() const;
    [[nodiscard]] client_socket_ref ref() const { return *this; }

    void connect() const;
    void disconnect() const;
    /// Runs `task(client_socket&)` on the loop; at once if this is its thread. Does nothing if the
    /// client is gone.
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
    detail::client_namespace* namespace_ = nullptr;  // valid while home_ knows the client
};

/// A client's end of one namespace. `client::of` makes it. It lives as long as the client,
/// connected or not.
///
/// No function here calls a handler before it returns. Exceptions of handlers are logged.
/// **Threads**: the loop's. On other threads use `ref()`. **Lifetime**: the client's.
class client_socket : public event_verbs<client_socket> {
public:
    using ref_type = client_socket_ref;
    static constexpr bool has_latest = false;

    client_socket(const client_socket&) = delete;
    client_socket& operator=(const client_socket&) = delete;
    ~client_socket();

    /// The id that the server gave this connection; empty unless connected.
    [[nodiscard]] std::string_view id() const noexcept;
    /// The name of the namespace.
    [[nodiscard]] std::string_view nsp() const noexcept;
    [[nodiscard]] client_socket_ref ref() const;
    [[nodiscard]] bool connected() const noexcept;
    /// Whether it is connected, or will be once the connection is back.
    [[nodiscard]] bool active() const noexcept;
    /// Whether the server sent what was missed while the connection was lost.
    [[nodiscard]] bool recovered() const noexcept;

    /// Connects, unless it is active already. **Errors**: as `client::connect`.
    result<void> connect();
    /// Disconnects. Events that wait are sent when it is connected again. The last active socket
    /// closes the connection.
    void disconnect();
    /// The `auth` for the next connection, instead of `client_options::auth`.
    void set_auth(client_auth auth);

    // Handlers of one kind run in the order you add them. They may add and remove handlers.

    /// Handles an event. The parameters are as in a server's handler: optionally the socket, then
    /// the arguments, optionally an `ack`. The value that the first handler of the event returns is
    /// the acknowledgement.
    ///
    ///     s.on("question", [](std::string text) { return text.size(); });
    template <class F>
    client_socket& on(std::string_view event, F handler) {
        add_handler(event, detail::make_event_handler<client_socket>(std::move(handler)));
        return *this;
    }
    /// Handles the event only once.
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
    /// Called for every event, before its handlers; also if it has none.
    client_socket& on_any(any_handler handler);
    client_socket& off_any();
    /// Called for every event that is sent, after it is sent.
    client_socket& on_any_outgoing(any_handler handler);
    client_socket& off_any_outgoing();
    /// Handles events that have no handler. Without this they are dropped.
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

    explicit client_socket(weft::detail::owned_ptr<detail::client_namespace> owned) noexcept;
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

    weft::detail::owned_ptr<detail::client_namespace> namespace_;
};

/// A connection to a Socket.IO server, and the namespaces on it. It reconnects by itself.
///
///     weft::socketio::client io(loop, {.url = "http://localhost:3000"});
///     auto& s = io.socket();
///     s.on("news", [](std::string text) { ... });
///     s.emit("hello", "world");
///
/// Manager and `io()` of the JavaScript client are one object here.
/// **Threads**: the loop's. While the loop is attached to no thread, any one thread may set the
/// client up. If your program has no loop, use `client_thread`. **Lifetime**: you may destroy it at
/// any time, also in a handler. It then disconnects and calls no handler.
class client {
public:
    /// `loop` is a `weft::loop` or the loop of a server (`server.loop(0)`).
    explicit client(loop_ref loop, client_options options, tls_client_options tls = {});
    ~client();
    client(const client&) = delete;
    client& operator=(const client&) = delete;

    /// The socket of a namespace, such as "/chat". The first call makes it; then it connects unless
    /// `auto_connect` is off.
    client_socket& of(std::string_view nsp);
    /// The socket of the namespace in the URL, by default "/".
    client_socket& socket();

    /// Connects, with all sockets that are active or wait to be. If it waits to reconnect, it does
    /// so now. Does nothing if connected. **Errors**: a wrong option, `shutting_down` if the loop
    /// is gone, `wrong_thread`.
    result<void> connect();
    /// Disconnects all sockets and stops reconnecting.
    void disconnect();
    [[nodiscard]] bool connected() const noexcept;
    /// "polling" or "websocket"; empty unless connected.
    [[nodiscard]] std::string_view transport() const noexcept;

    // Handlers for the connection itself.
    /// An attempt to connect failed, or the connection broke the protocol.
    client& on_error(unique_function<void(const error&)> handler);
    /// An attempt to reconnect begins. `attempt` counts from 1.
    client& on_reconnect_attempt(unique_function<void(unsigned attempt)> handler);
    client& on_reconnect(unique_function<void(unsigned attempt)> handler);
    client& on_reconnect_error(unique_function<void(const error&)> handler);
    /// All attempts have failed.
    client& on_reconnect_failed(unique_function<void()> handler);
    /// The server sent a ping.
    client& on_ping(unique_function<void()> handler);
    /// The connection has switched to another transport: "websocket".
    client& on_upgrade(unique_function<void(std::string_view transport)> handler);

private:
    friend class client_thread;
    std::shared_ptr<detail::client_core> core_;
};

}  // namespace weft::socketio
