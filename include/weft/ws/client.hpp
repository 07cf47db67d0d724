#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <weft/base/metrics.hpp>
#include <weft/base/result.hpp>
#include <weft/base/task.hpp>
#include <weft/base/time.hpp>
#include <weft/base/unique_function.hpp>
#include <weft/http/head.hpp>
#include <weft/net/loop.hpp>
#include <weft/net/tls.hpp>
#include <weft/pubsub/message.hpp>
#include <weft/ws/close_event.hpp>
#include <weft/ws/fragment.hpp>
#include <weft/ws/options.hpp>

namespace weft::net {
class tls_client_context;
}

namespace weft::ws {

namespace detail {
class client_core;
struct client_shared;
}  // namespace detail

/// A header of the opening request.
struct client_header {
    std::string name;
    std::string value;
    /// Do not send it after a redirect to another host, port or scheme. That always holds for
    /// `Authorization`, `Proxy-Authorization` and `Cookie`.
    bool credentials = false;
};

/// How much of a delay is random, so that the clients of a restarted server do not all come back at
/// once.
enum class jitter : std::uint8_t {
    none,
    half,  ///< Between half of the delay and the whole delay.
    full,  ///< Between zero and the whole delay.
};

/// When a client without a connection tries again: after `initial`, then after `factor` times
/// longer each time, at most `max`.
struct backoff {
    duration initial = std::chrono::milliseconds(500);
    duration max = std::chrono::seconds(30);
    double factor = 2;
    jitter spread = jitter::full;
    /// Gives up after this many failures in a row. 0: never.
    unsigned max_attempts = 0;
    /// A connection that lasts this long is a success: the delays begin again. One that ends sooner
    /// counts as a failure.
    duration stable_after = std::chrono::seconds(10);

    /// **Errors**: `invalid_argument`. Says which option is wrong and what it may be.
    [[nodiscard]] result<void> check() const;
};

/// The options of a client. **Units**: bytes.
struct client_options {
    /// `ws://host:port/path?query`, `wss://`, or `ws+unix:/socket:/path`; `http` and `https` mean
    /// `ws` and `wss`. `user:password@` becomes an `Authorization` header. No fragment.
    std::string url{};
    /// Besides those of the handshake. Unless one is `User-Agent`, that is `weft/VERSION`.
    std::vector<client_header> headers{};
    std::string origin{};
    std::vector<std::string> subprotocols{};  ///< In order of preference.
    std::optional<deflate_options> deflate{};
    /// An HTTP proxy that tunnels by CONNECT: `http://user:password@host:port`. The environment is
    /// not asked.
    std::string proxy{};
    /// For one attempt: name, TCP, TLS, HTTP and all redirects together.
    duration handshake_timeout = std::chrono::seconds(10);
    unsigned max_redirects = 0;
    std::optional<backoff> reconnect{};  ///< Unset: never. `backoff{}`: with its defaults.

    // As in `ws::options`.
    std::uint64_t max_message = 16 * 1024 * 1024;
    duration message_grace = std::chrono::seconds(30);
    std::uint64_t min_message_rate = 64;
    duration ping_interval = std::chrono::seconds(25);
    duration idle_timeout = std::chrono::seconds(60);
    duration close_timeout = std::chrono::seconds(5);
    bool auto_pong = true;
    bool deliver_while_closing = false;
    std::size_t max_queue = 32 * 1024 * 1024;  // room for a message of max_message
    std::size_t pause_reading_at = 1024 * 1024;
    overflow_policy overflow = overflow_policy::close;

    /// **Errors**: `invalid_argument`. Says which option is wrong and what it may be.
    [[nodiscard]] result<void> check() const;
};

/// What the clients of one loop can share: buffers (72 KiB), trusted CAs, counters. Make one if you
/// have many clients; otherwise each client makes its own.
/// **Threads**: the loop's. **Lifetime**: copies share it; clients keep it alive.
class client_context {
public:
    /// `loop` is a `weft::loop` or the loop of a server (`server.loop(0)`). The first client that
    /// needs the CAs reads them, which blocks on the file system.
    explicit client_context(loop_ref loop, tls_client_options tls = {});

    void visit_metrics(metric_visitor visit) const;

    /// For the library. **Errors**: which file of the options, and why.
    [[nodiscard]] result<std::shared_ptr<net::tls_client_context>> tls() const;

private:
    friend class client;
    std::shared_ptr<detail::client_shared> shared_;
};

enum class client_state : std::uint8_t {
    idle,        ///< Neither connected nor connecting.
    connecting,  ///< Name, TCP, TLS, HTTP or a redirect.
    open,
    closing,  ///< The closing handshake has begun.
    waiting,  ///< The next attempt comes by itself; see `retry_in`.
};

/// Why one attempt to connect failed. **Lifetime**: valid during `on_failure`.
struct connect_failure {
    unsigned attempt = 1;  ///< Failures in a row since `connect`, this one included.
    int status = 0;        ///< The HTTP status if the server refused; else 0.
    const error& why;
    /// The refusal with its headers, and what came of its body within a second, at most 64 KiB.
    /// Null if the server did not refuse.
    const http::client_response* response = nullptr;
};

/// A WebSocket to a server. It can reconnect by itself.
///
///     weft::ws::client feed(loop, {.url = "wss://example.org/feed", .reconnect = {{}}});
///     feed.on_message([](auto& c, weft::message_view text) { ... });
///     if (auto begun = feed.connect(); !begun) ...
///
/// Set the handlers before `connect`. No handler runs inside a call to the client. An exception is
/// logged and counted; an open connection is then closed with 1011.
/// **Threads**: the loop's. While the loop is attached to no thread, any one thread may set the
/// client up. A call from another thread does nothing, and returns an error if it returns
/// something.
/// **Lifetime**: you may destroy it at any time, also in its own handlers and after the loop. An
/// open connection is then closed with 1001, and no handler is called.
class client {
public:
    explicit client(loop_ref loop, client_options options = {}, tls_client_options tls = {});
    client(client_context shared, client_options options);
    ~client();
    client(const client&) = delete;
    client& operator=(const client&) = delete;

    client& on_open(unique_function<void(client&)> handler);
    client& on_message(unique_function<void(client&, message_view)> handler);
    /// A ping came. Unless `auto_pong` is off, it has been answered.
    client& on_ping(unique_function<void(client&, byte_view)> handler);
    client& on_pong(unique_function<void(client&, byte_view)> handler);
    /// Everything that was queued has been written.
    client& on_drain(unique_function<void(client&)> handler);
    /// A connection that was open has ended. `state` says whether another attempt follows. You may
    /// call `connect` and `close` here.
    client& on_close(unique_function<void(client&, const close_event&)> handler);
    /// An attempt to connect failed. `state` and `retry_in` say what follows.
    client& on_failure(unique_function<void(client&, const connect_failure&)> handler);

    /// Begins to connect. `on_open` or `on_failure` tells the outcome. If `waiting`, it connects
    /// now.
    /// **Errors**: a wrong option, `invalid_state` unless idle or waiting, `shutting_down` if the
    /// loop is gone, `wrong_thread`.
    result<void> connect();

    class open_awaitable;
    /// For coroutines: connects, unless it is connecting already, and waits until the connection is
    /// open or no further attempt follows:
    ///
    ///     if (auto opened = co_await feed.open(); !opened) co_return;
    ///
    /// **Errors**: as `connect`; the last failure; `closed_locally` after `close`. Only one
    /// coroutine may wait at a time. **Lifetime**: if the loop goes first, the coroutine is
    /// destroyed.
    [[nodiscard]] open_awaitable open() noexcept;

    /// Sends a text, which must be valid UTF-8. Returns `closed` unless open.
    send_status send(std::string_view text) noexcept;
    send_status send(const char* text) noexcept;
    send_status send(byte_view bytes) noexcept;
    send_status send(message_view what) noexcept;
    send_status send(const message& what) noexcept;
    /// As those of `connection_base`. After the client is destroyed, `done` is not called.
    send_status send(message_view what, unique_function<void(std::error_code)> done) noexcept;
    send_status send(std::string_view text, unique_function<void(std::error_code)> done) noexcept {
        return send(message_view(text), std::move(done));
    }
    send_status send(byte_view bytes, unique_function<void(std::error_code)> done) noexcept {
        return send(message_view(message_kind::binary, bytes), std::move(done));
    }
    send_status send_fragment(message_view piece, fragment which,
                              unique_function<void(std::error_code)> done = {}) noexcept;
    send_status send_fragment(std::string_view text, fragment which,
                              unique_function<void(std::error_code)> done = {}) noexcept {
        return send_fragment(message_view(text), which, std::move(done));
    }
    send_status send_fragment(byte_view bytes, fragment which,
                              unique_function<void(std::error_code)> done = {}) noexcept {
        return send_fragment(message_view(message_kind::binary, bytes), which, std::move(done));
    }
    /// Bytes that wait for the server.
    [[nodiscard]] std::size_t queued() const noexcept;
    /// As those of `connection_base`.
    send_status ping(byte_view payload = {}) noexcept;
    send_status pong(byte_view payload = {}) noexcept;
    /// As those of `connection_base`, for the present connection; a new one is not paused.
    void pause() noexcept;
    void resume() noexcept;
    [[nodiscard]] bool is_paused() const noexcept;

    /// Ends the connection or the attempt, and stops reconnecting. An open connection ends with a
    /// closing handshake and `on_close`; for the code, see `connection_base::close`. An attempt
    /// ends without `on_failure`.
    void close(close_code code = close_code::normal, std::string_view reason = {}) noexcept;
    /// The same, at once. What is queued is lost.
    void terminate() noexcept;

    [[nodiscard]] client_state state() const noexcept;
    [[nodiscard]] bool is_open() const noexcept { return state() == client_state::open; }
    /// The time until the next attempt. Nothing unless `waiting`.
    [[nodiscard]] std::optional<duration> retry_in() const noexcept;
    /// When a part of a message that is not complete yet last came; nothing if none has begun.
    [[nodiscard]] std::optional<time_point> receiving() const noexcept;
    /// The subprotocol of the present or last connection, or empty.
    [[nodiscard]] std::string_view subprotocol() const noexcept;

private:
    /// True if there is nothing to wait for; `outcome` is then set.
    bool begin_open(result<void>& outcome);
    void wait_open(weft::detail::suspension waiting, result<void>& outcome) noexcept;

    std::shared_ptr<detail::client_core> core_;
};

/// What `client::open` gives to `co_await`.
class client::open_awaitable {
public:
    explicit open_awaitable(client& target) noexcept : client_(target) {}
    bool await_ready() { return client_.begin_open(outcome_); }
    template <weft::detail::task_promise Promise>
    void await_suspend(std::coroutine_handle<Promise> waiting) noexcept {
        client_.wait_open(weft::detail::suspension(waiting), outcome_);
    }
    result<void> await_resume() noexcept { return std::move(outcome_); }

private:
    client& client_;
    result<void> outcome_;
};

inline client::open_awaitable client::open() noexcept {
    return open_awaitable(*this);
}

}  // namespace weft::ws
