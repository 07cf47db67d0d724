#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <weft/base/result.hpp>
#include <weft/base/time.hpp>
#include <weft/pubsub/message.hpp>

namespace weft::ws {

/// Which pages may open a WebSocket here. **See**: `options::origins`.
enum class origin_check : std::uint8_t {
    same_or_listed,  ///< The request's own origin, and those listed. Everything else gets 403.
    any,  ///< No check: any site may connect with its visitors' cookies. An explicit opt-out.
};

/// permessage-deflate, offered or accepted when set. **See**: RFC 7692.
struct deflate_options {
    /// Keep a window between our messages: better ratios, 39 KB per active connection.
    bool context_takeover = true;
    int window_bits = 12;  ///< 9 to 15, both directions.
    /// Of connections with a history of their own; what several share is compressed at level 1.
    int level = 1;
    /// Messages below this size are sent uncompressed. Unset: 128 with context takeover, 1024
    /// without.
    std::optional<std::size_t> threshold{};

    /// **Errors**: `invalid_argument`. Says which option is wrong and what it may be.
    [[nodiscard]] result<void> check() const;
};

/// How fast one connection may send to us. Above it reading pauses; who stays above it for long is
/// closed (1008).
struct receive_rate {
    unsigned messages_per_second = 500;
    std::uint64_t bytes_per_second = 4 * 1024 * 1024;

    /// **Errors**: `invalid_argument`. Says which option is wrong and what it may be.
    [[nodiscard]] result<void> check() const;
};

/// What a WebSocket endpoint allows and how it behaves. **Units**: bytes.
struct options {
    // What a peer may send.
    std::uint64_t max_message = 1024 * 1024;  ///< Of one message, also after inflating: 1009.
    std::uint32_t max_fragments = 1024;       ///< Frames of one message: 1008.
    duration max_message_age =
        std::chrono::seconds(30);  ///< From its first to its last byte: 1008.
    /// Unset: as fast as the network brings it.
    std::optional<receive_rate> rate = receive_rate{};

    // Liveness.
    duration ping_interval =
        std::chrono::seconds(25);  ///< After this much silence we ask with a ping.
    duration idle_timeout =
        std::chrono::seconds(60);  ///< After this much silence the connection is dead.
    duration close_timeout =
        std::chrono::seconds(5);  ///< For the peer's answer to our close frame.

    /// What may wait for a slow peer, at least 128 KiB: 64 KiB are on their way before anything
    /// waits under the policy.
    std::size_t max_queue = 4 * 1024 * 1024;
    /// Above this much waiting for a peer, nothing more is read from it.
    std::size_t pause_reading_at = 1024 * 1024;
    overflow_policy overflow = overflow_policy::close;

    // The handshake.
    origin_check origin = origin_check::same_or_listed;
    /// `https://example.org`, `http://localhost:3000`: exact scheme, host and port; `null` for
    /// opaque origins.
    std::vector<std::string> origins{};
    /// What we speak, in no order: the first of the client's list that is here is chosen.
    std::vector<std::string> subprotocols{};
    std::optional<deflate_options> deflate{};

    /// **Errors**: `invalid_argument`. Says which option is wrong and what it may be.
    [[nodiscard]] result<void> check() const;
};

}  // namespace weft::ws
