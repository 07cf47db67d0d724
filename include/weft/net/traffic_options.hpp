#pragma once

#include <cstddef>
#include <cstdint>

#include <weft/base/result.hpp>
#include <weft/base/time.hpp>

namespace weft {

/// How fast one connection may send to us: two token buckets. Above it, reading pauses. A
/// connection that stays above it for long is closed (1008).
struct receive_rate {
    unsigned messages_per_second = 500;
    std::uint64_t bytes_per_second = 4 * 1024 * 1024;
    duration burst = std::chrono::seconds(2);  ///< What silence saves up, as time at the rate.

    /// **Errors**: `invalid_argument`. Says which option is wrong and what it may be.
    [[nodiscard]] result<void> check() const;
};

/// What all connections that have something in common may do together. 0: no limit.
///
/// A connection or a request that is too much gets 429 with `Retry-After`. Under TLS, and when many
/// are being refused, the connection is closed at once. WebSockets and Engine.IO clients that send
/// too fast are not read from for as long as it takes; who is ten seconds ahead is closed (1008).
struct traffic_limits {
    std::size_t max_connections = 0;     ///< Open at once.
    unsigned connects_per_minute = 0;    ///< After a quiet minute so many may come at once.
    unsigned messages_per_second = 0;    ///< WebSocket messages, polled packets, HTTP requests.
    std::uint64_t bytes_per_second = 0;  ///< Of messages and of bodies of requests.
    duration burst = std::chrono::seconds(2);  ///< Of the two above: what silence saves up.
    /// Broken protocols, tokens that are not accepted, messages that break a schema. Above: no new
    /// connection and no request.
    unsigned errors_per_minute = 0;

    /// **Errors**: `invalid_argument`. Says which option is wrong and what it may be.
    [[nodiscard]] result<void> check() const;
};

/// Limits of a whole server, over all its loops. They look at the address of the client, also
/// behind trusted proxies, whose own connections are not counted; see
/// `http::options::trusted_proxies`.
struct traffic_options {
    /// One IPv4 address, one /64 of IPv6. Unix sockets have none.
    traffic_limits per_address{};
    /// One `identity::subject`. Counts as connections: WebSockets, Engine.IO sessions and event
    /// streams. Their messages count, requests do not.
    traffic_limits per_subject{};
    /// Refuse nobody: only count and log what would have been refused.
    bool dry_run = false;

    /// **Errors**: `invalid_argument`. Says which option is wrong and what it may be.
    [[nodiscard]] result<void> check() const;
};

}  // namespace weft
