#pragma once

#include <array>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <weft/base/time.hpp>
#include <weft/engineio/error.hpp>
#include <weft/engineio/options.hpp>
#include <weft/http/handshake.hpp>
#include <weft/net/conn_id.hpp>
#include <weft/net/peer.hpp>
#include <weft/pubsub/message.hpp>

#include "engineio/proto/packet.hpp"
#include "net/loop_core.hpp"

namespace weft::engineio {

class shard;
class polling;
class awaited_session;
class server_transport;
struct farewell;

/// Why a session ended, in Socket.IO's words.
enum class close_reason : std::uint8_t {
    transport_error,
    transport_close,
    forced_close,
    ping_timeout,
    parse_error,
    server_shutting_down,
};
inline constexpr std::size_t close_reasons = 6;

/// "transport error" and so on.
[[nodiscard]] std::string_view to_string(close_reason why) noexcept;

/// The name of a session, to keep where a reference would dangle: loop, slot, generation. One whose
/// session is gone finds nothing.
class session_id {
public:
    constexpr session_id() noexcept = default;
    constexpr session_id(std::uint8_t loop, std::uint32_t slot, std::uint32_t generation) noexcept
        : value_(loop, slot, generation) {}

    [[nodiscard]] constexpr std::uint8_t loop() const noexcept { return value_.loop(); }
    [[nodiscard]] constexpr std::uint32_t slot() const noexcept { return value_.slot(); }
    [[nodiscard]] constexpr std::uint32_t generation() const noexcept {
        return value_.generation();
    }
    [[nodiscard]] constexpr std::uint64_t value() const noexcept { return value_.value(); }
    explicit constexpr operator bool() const noexcept { return static_cast<bool>(value_); }
    friend constexpr auto operator<=>(session_id, session_id) noexcept = default;

private:
    conn_id value_;
};

/// What lives on a session: made by the server's factory when it opens, owned by it. What it throws
/// is caught, counted and logged, and ends the session.
class session_user {
public:
    virtual ~session_user() = default;
    virtual void on_open() = 0;
    /// Text without its type digit, or raw bytes.
    virtual void on_message(const message_view& data) = 0;
    /// Everything that waited is on its way.
    virtual void on_drained() {}
    /// The identity ends soon, at the latest after the next heartbeat but one; told once.
    virtual void on_identity_ending() {}
    /// The last call, exactly once.
    virtual void on_close(close_reason why) = 0;
};

/// One Engine.IO session, whatever carries it at the moment.
///
/// Nothing here calls the user: `send` queues, `close` and `fail` schedule.
/// **Threads**: its loop's. **Lifetime**: from the handshake until shortly after `on_close`.
class session final : public peer_owner, private net::timer_node {
public:
    struct beginning {  // what is known when a session is made
        int protocol = 4;
        transport_kind transport = transport_kind::polling;
        bool base64 = false;          ///< The client cannot take binary frames.
        std::uint64_t principal = 0;  ///< A hash of who the middlewares said asks.
    };

    session(std::uint32_t slot, std::uint32_t generation, shard& owner, const session_key& key,
            http::handshake asked, const weft::peer& from, const beginning& how);
    ~session();
    session(const session&) = delete;
    session& operator=(const session&) = delete;

    [[nodiscard]] std::string_view id() const noexcept { return {key_.data(), key_.size()}; }
    [[nodiscard]] session_id name() const noexcept { return name_; }
    [[nodiscard]] int protocol() const noexcept { return protocol_; }
    [[nodiscard]] transport_kind transport() const noexcept { return transport_; }
    [[nodiscard]] const http::handshake& request() const noexcept { return request_; }
    /// Who opened it, as was known then; its own, since it outlives its connections.
    [[nodiscard]] weft::peer& peer() noexcept { return peer_; }
    [[nodiscard]] byte_budget& memory() noexcept override { return loop().budget(); }
    [[nodiscard]] known_peers& peers() noexcept override { return loop().peers(); }
    void on_identified() noexcept override;
    [[nodiscard]] net::loop_core& loop() const noexcept;
    [[nodiscard]] shard& owner() const noexcept { return shard_; }
    /// Whose the session is, as `options::principal` said.
    [[nodiscard]] std::uint64_t principal() const noexcept { return principal_; }
    /// The client takes binary data as text only.
    [[nodiscard]] bool wants_base64() const noexcept { return base64_; }

    /// Sends a whole Engine.IO packet: a text with its type digit (`4...`), or the raw bytes of a
    /// binary message. A broadcast is framed and encoded once for all.
    send_status send(const message& packet) noexcept;
    /// The same. **Cost**: over WebSocket no allocation while the peer keeps up.
    send_status send(const message_view& packet) noexcept;
    /// Packets that belong together: all of them or none. The first one says how they want to be
    /// delivered.
    send_status send(std::span<const message> group) noexcept;
    /// Whether the peer keeps up: what is droppable goes only then.
    [[nodiscard]] bool writable() const noexcept;
    /// Whether `send` can still do something.
    [[nodiscard]] bool is_open() const noexcept { return state_ == state::open; }
    [[nodiscard]] bool is_leaving() const noexcept {
        return state_ == state::closing || state_ == state::ended;
    }

    /// Ends the session when what is queued has been sent, at the latest after `close_timeout`.
    void close(close_reason why = close_reason::forced_close) noexcept;
    /// Ends it at once: what is queued is lost.
    void fail(close_reason why) noexcept;
    /// The same; a WebSocket's close frame tells this.
    void fail(close_reason why, std::string_view told) noexcept;
    /// Ends it for who broke a protocol above: the same, but what waits for a poll goes out first.
    void expel(close_reason why, std::string_view told) noexcept;
    void fail(errc why) noexcept;
    /// Its client broke a rule of a protocol above.
    void note_violation() noexcept;

    // For transports, and for who attaches them.

    /// `carrier` is the way to the client, before `open`.
    void carry(server_transport& carrier) noexcept;
    /// `probe` may become the carrier: it calls `switch_to` or `transport_ended`.
    void try_out(server_transport& probe) noexcept { probe_ = &probe; }
    /// Whether another transport may be tried now.
    [[nodiscard]] bool may_upgrade() const noexcept;
    /// The polling transport while it is the carrier, or null.
    [[nodiscard]] polling* polls() const noexcept { return polling_.get(); }
    /// The packet that tells the client of its session.
    [[nodiscard]] std::string greeting() const;
    /// The client has been greeted: makes the user.
    void open() noexcept;
    /// A packet of the client. The user may end the session in it.
    void receive(const packet& got) noexcept;
    void receive_message(const message_view& data) noexcept;
    /// A client that polls has made its second request; before the transport notes it.
    void came_back() noexcept;
    /// Everything that waited is on its way.
    void drained() noexcept;
    /// From now on `next`, which was tried out, carries everything.
    void switch_to(server_transport& next) noexcept;
    /// Lets the client go on with its upgrade.
    void make_way() noexcept;
    /// The carrier or the probe is gone.
    void transport_ended(server_transport& which, close_reason why) noexcept;
    void end(close_reason why, packet_type last = packet_type::close) noexcept;
    void end(errc what) noexcept;
    [[nodiscard]] bool is_over() const noexcept { return state_ == state::ended; }
    /// The user threw.
    [[nodiscard]] bool handler_failed() const noexcept { return failed_handler_; }

private:
    friend class shard;
    friend class awaited_session;

    enum class state : std::uint8_t {
        opening,  // not yet told to the user
        open,
        closing,  // takes nothing more, what is queued goes out
        ended,
    };
    void release(const farewell& last) noexcept;
    void finish() noexcept;  // tells the user
    void flush() noexcept;   // lets the carrier do what it has put off

    void send_control(std::string_view packet) noexcept;
    void heartbeat();
    [[nodiscard]] time_point first_ping(time_point opened) const noexcept;
    void arm(time_point when) noexcept;
    [[nodiscard]] time_point identity_ends() const noexcept;
    template <class F>
    bool guarded(std::string_view callback, F&& call) noexcept;
    template <class F>
    auto within_memory(F&& call) noexcept -> decltype(call());

    static void fire(timer_node& heartbeat);

    shard& shard_;
    session_id name_;
    session_key key_;
    weft::peer peer_;
    http::handshake request_;
    std::unique_ptr<session_user> user_;
    std::unique_ptr<polling> polling_;          // while polling carries the session
    std::unique_ptr<awaited_session> awaited_;  // while its second request is due
    std::unique_ptr<net::access_note> access_;  // if somebody listens
    server_transport* carrier_ = nullptr;
    server_transport* probe_ = nullptr;      // wants to be the carrier
    time_point pinged_ = time_point::max();  // no answer since
    session* next_flush_ = nullptr;
    session* next_end_ = nullptr;
    std::uint64_t principal_;
    state state_ = state::opening;
    transport_kind transport_;
    close_reason reason_ = close_reason::forced_close;
    std::uint8_t protocol_;
    bool base64_ : 1;
    bool upgraded_ : 1 = false;
    bool flush_queued_ : 1 = false;
    bool failed_handler_ : 1 = false;  // its user threw
    bool told_ending_ : 1 = false;     // of its identity
};

}  // namespace weft::engineio

template <>
struct std::hash<weft::engineio::session_id> {
    std::size_t operator()(weft::engineio::session_id id) const noexcept {
        return std::hash<std::uint64_t>{}(id.value());
    }
};
