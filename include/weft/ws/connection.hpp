#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include <weft/base/bytes.hpp>
#include <weft/base/owned_ptr.hpp>
#include <weft/base/unique_function.hpp>
#include <weft/net/conn_id.hpp>
#include <weft/net/peer.hpp>
#include <weft/pubsub/message.hpp>
#include <weft/schema/schema.hpp>
#include <weft/ws/close_code.hpp>
#include <weft/ws/fragment.hpp>

namespace weft::ws {

class connection_core;
namespace detail {
class accept_stage;
class server_user;
}  // namespace detail

/// One WebSocket of a server, lent to handlers.
///
/// No function here calls a handler: `send` queues and returns what it did, `close` schedules.
/// **Threads**: its loop's. On other threads, use `id()` with the functions of the server. A call
/// from another thread does nothing, and returns `misuse` if it returns something.
/// **Lifetime**: borrowed for the length of a handler call. You cannot copy, move or make one. Keep
/// `id()` instead.
class connection_base {
public:
    connection_base(const connection_base&) = delete;
    connection_base& operator=(const connection_base&) = delete;
    virtual ~connection_base() = default;

    /// Keep it where a reference would dangle.
    [[nodiscard]] conn_id id() const noexcept;
    /// The client at the other end. **Lifetime**: the connection's.
    [[nodiscard]] weft::peer& peer() const noexcept;
    /// What the route's `:name` stands for; empty if the route has no such parameter.
    [[nodiscard]] std::string_view param(std::string_view name) const noexcept;
    /// The subprotocol agreed on, or empty.
    [[nodiscard]] std::string_view subprotocol() const noexcept;

    /// Sends a text, which must be valid UTF-8; otherwise the peer closes with 1007.
    /// **Cost**: no allocation while the peer keeps up. All messages of one iteration leave
    /// together.
    send_status send(std::string_view text) noexcept;
    send_status send(const char* text) noexcept;
    send_status send(byte_view bytes) noexcept;
    /// Sends a received message, with the same kind.
    send_status send(const message_view& what) noexcept;
    /// Sends a shared message by reference.
    send_status send(const message& what) noexcept;
    /// Sends a message and calls `done` once, later: without an error when the kernel has it (or
    /// what has replaced it under its key), or with the error for which it is lost. Not called
    /// unless the status is `sent` or `queued`. **Lifetime**: `done` may keep the connection that
    /// the handler was lent: its last moment is before `on_close`.
    send_status send(message_view what, unique_function<void(std::error_code)> done) noexcept;
    send_status send(std::string_view text, unique_function<void(std::error_code)> done) noexcept {
        return send(message_view(text), std::move(done));
    }
    send_status send(byte_view bytes, unique_function<void(std::error_code)> done) noexcept {
        return send(message_view(message_kind::binary, bytes), std::move(done));
    }
    /// Sends a message in pieces: the first one begins it and says what kind it is, the one with
    /// `fragment::last` ends it. Texts may be cut anywhere. Until the end, other messages to this
    /// peer wait as for a slow peer, under the same limit and policy; pings and pongs go between.
    /// `close` gives up the message and what waits behind it. For `done`, see `send`.
    ///
    /// `dropped` if this piece would make more than `max_queue` wait, or others wait when it would
    /// begin a message. Nothing of it is sent then: send it again after `on_drain`.
    /// **Cost**: never compressed; copied.
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
    /// Bytes that wait for this peer.
    [[nodiscard]] std::size_t queued() const noexcept;

    /// Joins a topic. False if it had joined before, or above `server_options::memory_limit`. The
    /// connection leaves all topics when it ends.
    bool subscribe(std::string_view topic);
    bool unsubscribe(std::string_view topic);
    [[nodiscard]] bool is_subscribed(std::string_view topic) const noexcept;
    /// Sends to all other subscribers, on every loop. Returns how many of this loop accepted it.
    /// **Cost**: copies and frames the message once.
    std::size_t publish(std::string_view topic, message_view what);
    std::size_t publish(std::string_view topic, std::string_view text) {
        return publish(topic, message_view(text));
    }
    std::size_t publish(std::string_view topic, const message& what);
    /// The same, but not to the other processes of a cluster.
    std::size_t publish_here(std::string_view topic, message_view what);
    std::size_t publish_here(std::string_view topic, const message& what);

    /// What is wrong with something that the peer sent, or nothing, where the endpoint's schema
    /// does not say it all: the schema of the topic it goes to, of its type. A violation is counted
    /// and logged, and too many close the connection (`options::max_violations`). It is not
    /// answered. Binary messages are wrong (rule "text").
    std::optional<schema::violation> check(const schema& rules, message_view what);

    /// Sends a ping, ahead of messages that wait; `on_pong` is called when the peer answers.
    /// `dropped` if the peer is behind: it has enough to answer. `misuse` above 125 bytes.
    send_status ping(byte_view payload = {}) noexcept;
    /// Sends a pong: to answer pings without `options::auto_pong`, or as a sign of life that nobody
    /// answers. While the peer is behind, only the latest one waits. `misuse` above 125 bytes.
    send_status pong(byte_view payload = {}) noexcept;

    /// Stops reading until `resume`: the peer's system then slows the peer down. What has been read
    /// already is kept (at most one read), so no handler is told of a message, a ping or the peer's
    /// close meanwhile. Time-outs of the peer stand still; sending goes on. `close` resumes.
    /// Outside of handlers, `endpoint::visit` reaches the connection.
    void pause() noexcept;
    void resume() noexcept;
    [[nodiscard]] bool is_paused() const noexcept;

    /// Starts the closing handshake after what is queued; `on_close` is called at the end.
    /// `no_status` sends a close frame without code and reason. A code that may not be sent, or a
    /// reason above 123 bytes, becomes 1000 without a reason.
    void close(close_code code = close_code::normal, std::string_view reason = {}) noexcept;
    /// Drops the connection at once. What is queued is lost; the peer sees 1006.
    void terminate() noexcept;

protected:
    connection_base() = default;

private:
    friend class detail::accept_stage;
    friend class detail::server_user;
    [[nodiscard]] bool callable() const noexcept;

    struct agreed {
        std::string subprotocol;
        std::vector<std::pair<std::string, std::string>> params;
    };

    connection_core* core_ = nullptr;
    weft::detail::owned_ptr<agreed> agreed_;  // null if there is neither
};

/// A connection with the user's data of this endpoint.
template <class T>
class connection final : public connection_base {
public:
    /// The data of this connection. Made when it is accepted, destroyed after `on_close`.
    [[nodiscard]] T& data() noexcept { return data_; }
    [[nodiscard]] const T& data() const noexcept { return data_; }
    T* operator->() noexcept { return &data_; }
    const T* operator->() const noexcept { return &data_; }

private:
    template <class>
    friend class endpoint;
    explicit connection(T&& data) : data_(std::move(data)) {}
    T data_;
};

/// A connection without data.
template <>
class connection<void> final : public connection_base {
private:
    template <class>
    friend class endpoint;
    connection() = default;
};

}  // namespace weft::ws
