#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <weft/base/result.hpp>
#include <weft/engineio/options.hpp>
#include <weft/net/loop.hpp>
#include <weft/pubsub/message.hpp>
#include <weft/ws/client.hpp>

#include "engineio/client_transport.hpp"
#include "engineio/proto/client_handshake.hpp"
#include "net/loop_core.hpp"

namespace weft::engineio {

/// The path of a client's URL, which is not used to connect; empty when it has none, or is wrong.
[[nodiscard]] std::string path_of(std::string_view url);

/// Where and how a client connects.
struct client_options {
    /// `http://`, `https://`, `ws://`, `wss://`, or `ws+unix:`. Its path is not used; its query is.
    std::string url{};
    std::string path = "/socket.io";
    bool add_trailing_slash = true;
    std::vector<std::pair<std::string, std::string>> query{};
    std::vector<ws::client_header> headers{};
    std::string proxy{};  ///< As `ws::client_options::proxy`.
    /// The first is begun with.
    std::vector<transport_kind> transports{transport_kind::polling, transport_kind::websocket};
    bool upgrade = true;
    /// Begins with the next transport when one fails before the session is open.
    bool try_all_transports = false;
    /// Keeps the server's cookies for the length of the session.
    bool with_credentials = false;
    duration timeout = std::chrono::seconds(20);  ///< For making a connection.
    std::optional<duration> request_timeout{};
    std::optional<ws::deflate_options> per_message_deflate{};
    std::size_t max_message = 16 * 1024 * 1024;
    std::size_t max_queue = 32 * 1024 * 1024;
};

enum class close_cause : std::uint8_t {
    ping_timeout,
    transport_close,  ///< The server closed it, or the connection ended.
    transport_error,
    forced_close,  ///< `close` was called.
};

/// Who hears of a session. Every call may destroy the `client_session`.
class client_user {
public:
    virtual void on_open() = 0;
    /// **Lifetime**: of the view, the call.
    virtual void on_message(message_view what) = 0;
    virtual void on_ping() = 0;
    /// The session goes on over WebSocket.
    virtual void on_upgrade() = 0;
    /// The last call, exactly once; also when the session never opened. `response`: what a server
    /// that refused by HTTP answered, or null.
    virtual void on_close(close_cause cause, const error& why,
                          const http::client_response* response) = 0;

protected:
    ~client_user() = default;
};

/// One Engine.IO session with a server, from the first request to its end; it does not come back.
///
/// **Threads**: the loop's. **Lifetime**: pinned; destroyed, it drops its connections and tells
/// nobody. `user` outlives it.
class client_session final : private client_transport_user {
public:
    /// **Lifetime**: copies what it needs of the options; `context` is of `loop`.
    client_session(net::loop_core& loop, ws::client_context context, const client_options& options,
                   client_user& user);
    ~client_session();
    client_session(const client_session&) = delete;
    client_session& operator=(const client_session&) = delete;

    /// Begins. **Errors**: what is wrong with the options; then `on_close` does not follow.
    result<void> open();
    /// Sends messages that belong together, all or none: text with its type digit, binary as it is.
    /// What waits for a transport is bounded by `max_queue`.
    send_status send(std::span<const message> group);
    send_status send(const message& what) { return send({&what, 1}); }
    /// Whether something that was sent before would go out first.
    [[nodiscard]] bool behind() const noexcept;
    /// Writes what waits, takes leave, and reports `forced_close`. Harmless twice.
    void close();
    /// From now on nobody hears of this session.
    void forget_user() noexcept;

    [[nodiscard]] bool is_open() const noexcept { return state_ == state::open; }
    [[nodiscard]] std::string_view id() const noexcept { return route_.sid; }
    [[nodiscard]] transport_kind transport() const noexcept {
        return transport_ ? transport_->kind() : transport_kind::polling;
    }

private:
    enum class state : std::uint8_t { idle, opening, open, closing, closed };
    class probe;

    // client_transport_user, for the transport in use
    void on_packet(packet_type type, message_view data) override;
    void on_writable() override;
    void on_transport_closed(std::optional<error> why,
                             const http::client_response* response) override;

    result<void> prepare();
    result<void> begin(transport_kind how);
    void opened(std::string_view data);
    [[nodiscard]] duration patience() const noexcept;
    void alive();
    void heartbeat();
    void flush();
    [[nodiscard]] std::size_t batch_size() const noexcept;
    void finish(close_cause cause, const error& why,
                const http::client_response* response = nullptr);
    void start_upgrade();
    void end_upgrade(bool failed);
    void close_transport();
    /// Runs `task` in the next turn of the loop, unless we are gone by then.
    template <class F>
    void later(F task);

    client_options options_;
    ws::client_context context_;
    client_route route_;
    client_user* user_;
    state state_ = state::idle;
    std::size_t next_transport_ = 0;
    std::unique_ptr<client_transport> transport_;
    std::unique_ptr<probe> probe_;
    bool switching_ = false;  // nothing is sent: the packets that follow go over the new transport
    open_reply facts_;
    std::deque<message> queue_;
    std::size_t queued_ = 0;  // bytes in queue_
    net::timer heartbeat_;
    std::shared_ptr<client_session*> self_;
};

}  // namespace weft::engineio
