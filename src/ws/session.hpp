#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <weft/base/metrics.hpp>
#include <weft/pubsub/message.hpp>
#include <weft/ws/close_event.hpp>
#include <weft/ws/options.hpp>

#include "base/digest.hpp"
#include "base/random.hpp"
#include "net/byte_stream.hpp"
#include "net/loop_core.hpp"
#include "pubsub/hub.hpp"
#include "ws/proto/deflate.hpp"
#include "ws/proto/error_counters.hpp"
#include "ws/proto/extensions.hpp"
#include "ws/proto/message_assembler.hpp"

namespace weft::ws {

/// One loop's counters of WebSocket traffic.
struct session_metrics {
    counter open, opened, closed_clean, closed_abnormal, messages_received, messages_sent,
        pings_sent, idle_timeouts, handler_exceptions, throttled, refused;
    error_counters errors;
    void visit(metric_visitor to) const;
};

/// What the sessions of one loop share. **Lifetime**: outlives them.
class session_shared {
public:
    session_shared(net::loop_core& owner, pubsub::exchange& all, std::uint64_t message_budget);

    net::loop_core& loop;
    pubsub::hub hub;
    byte_budget budget;
    block_cache::owner blocks;
    std::unique_ptr<std::byte[]> inflate_memory;
    assembler_shared assembling;
    shared_deflaters deflaters;
    random_pool random;
    std::optional<sha1_digest>
        sha1;  // unset when OpenSSL has none: every handshake is refused then
    session_metrics metrics;
};

class session;

/// The user of a session: a server's connection or a client. Owned by the session.
/// What it throws is caught, counted and logged; the connection is closed with 1011.
class session_user {
public:
    virtual ~session_user() = default;
    virtual void on_open() = 0;
    virtual void on_message(const message_view& message) = 0;
    virtual void on_pong(byte_view) {}
    virtual void on_drained() = 0;
    /// The last call, exactly once, also when `on_open` was never reached.
    virtual void on_close(const close_event& event) = 0;
};

/// The settings of an endpoint or client in the form that sessions use. **Lifetime**: outlives the
/// sessions.
struct session_settings {
    explicit session_settings(const options& chosen);
    options chosen;
    message_limits limits;
    std::size_t deflate_threshold = 0;  // with history
    std::size_t shared_threshold = 0;   // without: broadcasts, no context takeover
};

/// A WebSocket over a byte stream, from the handshake's end on, in either role.
class session final : public net::stream_handler, public pubsub::subscriber {
public:
    session(net::byte_stream& stream, role self, const session_settings& settings,
            session_shared& shared, std::optional<deflate_agreement> deflate);
    ~session() override;

    /// Before `on_open`.
    void set_user(std::unique_ptr<session_user> user) noexcept { user_ = std::move(user); }
    [[nodiscard]] session_user& user() const noexcept { return *user_; }

    send_status send(const message_view& what) noexcept;
    send_status send(const message& what) noexcept;
    /// Messages that belong together: what happens to one at a full queue happens to all.
    send_status send(std::span<const message> group) noexcept;
    send_status deliver(const message& what) noexcept override;
    send_status deliver_group(std::span<const message> group) noexcept override;
    void ping(byte_view payload) noexcept;
    /// Starts the closing handshake behind what is queued. A code or reason that may not be sent
    /// becomes 1000 without reason. Ignored when closing.
    void close(close_code code, std::string_view reason) noexcept;
    /// Drops the connection without a closing handshake.
    void terminate() noexcept;
    /// Closes with 1013 because memory is short and much waits for this peer.
    void shed() noexcept;

    [[nodiscard]] bool is_open() const noexcept { return state_ == state::open; }
    [[nodiscard]] std::size_t queued() const noexcept;
    /// When bytes of any kind last came, also those of a message that is not whole yet.
    [[nodiscard]] time_point last_received() const noexcept { return last_received_; }
    [[nodiscard]] net::byte_stream& stream() const noexcept { return stream_; }
    [[nodiscard]] session_shared& shared() const noexcept { return shared_; }

    // net::stream_handler
    void on_open() noexcept override;
    void on_data(byte_span data) noexcept override;
    byte_span read_target() noexcept override;
    void on_drained() noexcept override;
    void on_end(net::byte_stream& stream) noexcept override;
    void on_deadline() noexcept override;
    void on_closed(std::error_code why) noexcept override;
    [[nodiscard]] const void* protocol() const noexcept override { return &tag; }
    /// The session behind a stream, or null when it speaks something else.
    static session* of(net::byte_stream& stream) noexcept;
    /// Logs and counts what a handler threw.
    static void report_exception(session_shared& shared, const std::exception_ptr& thrown) noexcept;

private:
    enum class state : std::uint8_t {
        open,
        close_wanted,  // behind messages that still wait
        close_sent,    // the peer's close frame is awaited
        ended,         // nothing more is read or sent
    };
    static const char tag;
    static constexpr std::size_t inflate_allowance = 256 * 1024;

    struct slow_state;  // what only a connection under stress needs

    void consume(byte_span data);
    void keep_for_later(byte_view rest);
    void post_turn();
    void consume_kept();
    void dispatch_message(message_kind kind) noexcept;
    void dispatch_other(message_event event);
    void dispatch_close(const close_info& info);
    void fail(errc why) noexcept;
    void finish() noexcept;
    void answer_ping();
    void write_pong() noexcept;

    bool send_small(message_kind kind, byte_view payload) noexcept;
    [[gnu::noinline]] send_status send_any(const message_view& what) noexcept;
    send_status send_now(message_kind kind, byte_view payload);
    send_status queue(std::span<const message> group, std::size_t wire);
    [[nodiscard]] bool must_wait(std::size_t wire, bool latest) const noexcept;
    void write_masked(frame_flags flags, byte_view payload) noexcept;
    void write_frame(opcode op, byte_view payload) noexcept;
    void write_data(message_kind kind, byte_view payload, bool compressed) noexcept;
    void write_message(const message& what);
    buffer_slice encode_shared(const message& what);
    [[nodiscard]] std::size_t wire_size(std::size_t payload) const noexcept;
    void pump();
    void send_close_frame() noexcept;
    [[nodiscard]] bool peer_is_behind() const noexcept;
    void update_reading() noexcept;
    void throttle(std::size_t messages, std::size_t bytes) noexcept;

    void arm() noexcept;
    slow_state& slow();
    template <class F>
    void guarded(F&& call) noexcept;
    template <class F>
    auto within_memory(F&& call) noexcept -> decltype(call());
    void drained();
    void start_closing(close_code code, std::string_view reason);

    net::byte_stream& stream_;
    session_shared& shared_;
    const session_settings& settings_;
    std::unique_ptr<session_user> user_;
    message_assembler assembler_;
    std::unique_ptr<deflater> deflater_;
    std::unique_ptr<slow_state> slow_;
    buffer_slice dispatched_;  // keeps the message alive that a handler has sent on by reference
    time_point last_received_;
    time_point next_event_;
    time_point rate_due_messages_;  // when the bucket will be empty of debt; never earlier than a
                                    // burst ago
    time_point rate_due_bytes_;
    std::error_code cause_;
    std::optional<deflate_agreement> deflate_;
    role role_;
    state state_ = state::open;
    bool opened_ : 1 = false;
    bool close_received_ : 1 = false;
    bool ping_pending_ : 1 = false;  // we asked and wait for any sign of life
    bool pong_due_ : 1 = false;
    bool dispatching_ : 1 = false;
    bool throttled_ : 1 = false;
    bool turn_waits_ : 1 = false;  // inflating goes on in a later iteration
    bool end_waits_ : 1 = false;   // the peer's end came meanwhile
    bool stalled_ : 1 = false;     // reading is paused because the peer does not read
};

}  // namespace weft::ws
