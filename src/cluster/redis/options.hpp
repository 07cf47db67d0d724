#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <weft/base/result.hpp>
#include <weft/base/time.hpp>
#include <weft/net/tls.hpp>

#include "cluster/redis/proto/reply_reader.hpp"

namespace weft::cluster::redis {

enum class protocol_version : std::uint8_t { resp2 = 2, resp3 = 3 };

/// Where a Redis server is, who we are to it, and how much may wait for it.
struct options {
    std::string host = "127.0.0.1";
    std::uint16_t port = 6379;
    std::string unix_path{};  ///< Instead of host and port.
    /// ALPN is left out: Redis has none.
    std::optional<tls_client_options> tls{};
    std::string tls_name{};  ///< The certificate's name; empty: the host.

    std::string user{};  ///< Of the ACL; empty: "default".
    std::string password{};
    std::string client_name{};  ///< What CLIENT LIST shows.
    unsigned database = 0;
    /// The newest to speak. A server that does not know RESP3 is spoken to in RESP2.
    protocol_version protocol = protocol_version::resp3;

    /// For name, connection, TLS and greeting together.
    duration connect_timeout = std::chrono::seconds(5);
    /// Until a command is answered, from when it is given.
    duration command_timeout = std::chrono::seconds(5);
    /// A server that has been silent for so long is asked for a sign of life ...
    duration ping_interval = std::chrono::seconds(10);
    /// ... and is gone when none comes for so long.
    duration ping_timeout = std::chrono::seconds(5);
    /// The pause before the first attempt to come back. It doubles with each that fails; a random
    /// part of up to a half is taken off.
    duration reconnect_min = std::chrono::milliseconds(50);
    duration reconnect_max = std::chrono::seconds(5);
    /// Commands that wait to be sent or answered, per connection. More are refused.
    /// **Units**: bytes.
    std::uint64_t max_queue = 16ULL * 1024 * 1024;
    reply_limits replies{};

    /// **Errors**: `invalid_argument`. Says which option is wrong and what it may be.
    [[nodiscard]] result<void> check() const;
};

/// The pause before the attempt that follows `failures` failures in a row (0: a connection was
/// lost). `random` is any 32 bits.
[[nodiscard]] duration pause_before_retry(const options& how, unsigned failures,
                                          std::uint32_t random) noexcept;

}  // namespace weft::cluster::redis
