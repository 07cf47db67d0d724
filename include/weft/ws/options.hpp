#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <weft/base/result.hpp>
#include <weft/base/time.hpp>
#include <weft/net/traffic_options.hpp>
#include <weft/pubsub/message.hpp>
#include <weft/schema/schema.hpp>

namespace weft::ws {

/// Which pages may open a WebSocket here. **See**: `options::origins`.
enum class origin_check : std::uint8_t {
    same_or_listed,  ///< The origin of the request's own host, and those listed. Others get 403.
    any,             ///< No check: any site may connect with the cookies of its visitors.
};

/// permessage-deflate, offered or accepted when set. **See**: RFC 7692.
/// Messages of more than 64 KiB, unless several connections share them, go uncompressed while a
/// loop has more to do than a turn has time for.
struct deflate_options {
    /// Keep the window between our messages: better ratios, but 39 KB per active connection.
    bool context_takeover = true;
    static constexpr int default_window_bits = 12;
    /// 9 to 15, for both directions. Unset: 12, but a client asks nothing of the server, as
    /// browsers do, and takes up to 15: there are servers that refuse a client that asks.
    std::optional<int> window_bits{};
    /// For connections that keep a window. Messages shared by several are compressed at level 1.
    int level = 1;
    /// Sends messages below this size uncompressed. Unset: 128 with context takeover, 1024 without.
    std::optional<std::size_t> threshold{};

    /// **Errors**: `invalid_argument`. Says which option is wrong and what it may be.
    [[nodiscard]] result<void> check() const;
};

/// What follows when a message breaks `options::schema`.
enum class violation_answer : std::uint8_t {
    /// A text message, `{"error":"invalid","path":"/price","rule":"maximum","kind":"number"}`. The
    /// connection goes on.
    error_message,
    close_1007,  ///< Closed as invalid payload; the reason names rule and path.
    close_1008,  ///< Closed as policy violation, likewise.
};

/// The options of a WebSocket endpoint. **Units**: bytes.
struct options {
    // What a peer may send.
    /// Of one message, also after inflating. Above: 1009. It may come in as many frames as it may
    /// have bytes.
    std::uint64_t max_message = 1024 * 1024;
    /// How long a message that has begun may be slower than `min_message_rate`, or silent.
    duration message_grace = std::chrono::seconds(30);
    std::uint64_t min_message_rate = 64;  ///< Bytes per second of its payload; below: 1008.
    /// How fast it may come. Unset: no limit; `loop_budgets` still shares the turns fairly.
    std::optional<receive_rate> rate{};

    unsigned max_control_burst = 40;  ///< Pings, and pongs unasked for, at once; above: 1008.
    /// How long until one more may come.
    duration control_interval = std::chrono::milliseconds(50);

    // Liveness.
    duration ping_interval = std::chrono::seconds(25);  ///< After this much silence we send a ping.
    duration idle_timeout = std::chrono::seconds(60);   ///< After this much silence we close.
    duration close_timeout =
        std::chrono::seconds(5);  ///< For the peer's answer to our close frame.
    /// Answer each ping by itself. If not, `on_ping` does: `c.pong(payload)`.
    bool auto_pong = true;
    /// Tell messages, pings and pongs, too, that come between our `close` and the peer's answer.
    bool deliver_while_closing = false;

    /// How much may wait for a slow peer. At least 128 KiB: the first 64 KiB are on their way
    /// before anything waits under the policy.
    std::size_t max_queue = 4 * 1024 * 1024;
    /// While more than this waits for a peer, we do not read from it.
    std::size_t pause_reading_at = 1024 * 1024;
    overflow_policy overflow = overflow_policy::close;

    // The handshake.
    origin_check origin = origin_check::same_or_listed;
    /// Scheme, host and port of pages: `https://example.org`, `http://localhost:3000`. `null`
    /// stands for opaque origins. Any other text allows an `Origin` of the very same text.
    std::vector<std::string> origins{};
    /// The subprotocols we speak, in any order. We choose the first of the client's list that is
    /// here.
    std::vector<std::string> subprotocols{};
    std::optional<deflate_options> deflate{};

    // What messages hold.
    /// Each message must be a JSON text that meets it. One that does not, or a binary one (rule
    /// "text"), reaches no handler.
    std::optional<weft::schema> schema{};
    violation_answer violations = violation_answer::error_message;
    /// Of one connection per minute, and at once; above: 1008.
    unsigned max_violations = 20;

    /// **Errors**: `invalid_argument`. Says which option is wrong and what it may be.
    [[nodiscard]] result<void> check() const;
};

}  // namespace weft::ws
