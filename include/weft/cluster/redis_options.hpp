#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <weft/base/result.hpp>
#include <weft/base/time.hpp>
#include <weft/net/tls.hpp>

namespace weft::cluster {

enum class redis_protocol : std::uint8_t { resp2 = 2, resp3 = 3 };

/// Where a server listens.
struct redis_address {
    std::string host{};  ///< A name or a numeric address.
    std::uint16_t port = 6379;

    friend bool operator==(const redis_address&, const redis_address&) = default;
};

/// Where Redis is, who we are to it, and how much may wait for it.
///
/// Redis is one of three things: a server (`host` and `port`, or `unix_path`); whichever server
/// Sentinel calls the master (`sentinels` and `master_name`); or a Redis Cluster
/// (`cluster_nodes`).
///
/// With the defaults a Redis that is back is noticed within two seconds, however long it was away,
/// and whether its host refused us, was silent, or was gone from the network: attempts begin a
/// second apart at the most, or when the last one has waited for one and a half.
struct redis_options {
    std::string host = "127.0.0.1";
    std::uint16_t port = 6379;
    std::string unix_path{};  ///< Instead of host and port.

    /// Who is asked where the master is: one after the other, before each attempt to connect.
    /// What is found there must call itself a master, too. Instead of host and port.
    std::vector<redis_address> sentinels{};
    std::string master_name{};    ///< What the Sentinels call it, such as "mymaster".
    std::string sentinel_user{};  ///< Of the Sentinels' ACL; empty: "default".
    std::string sentinel_password{};

    /// Some nodes of a Redis Cluster; one that answers is enough, it names the others. Instead of
    /// host and port. A cluster has no databases.
    std::vector<redis_address> cluster_nodes{};

    /// For every server, Sentinels included. ALPN is left out: Redis has none.
    std::optional<tls_client_options> tls{};
    /// The name in the certificate of every server; empty: the host of each.
    std::string tls_name{};

    std::string user{};  ///< Of the ACL; empty: "default".
    std::string password{};
    std::string client_name{};  ///< What CLIENT LIST shows.
    unsigned database = 0;
    /// The newest to speak. A server that does not know RESP3 is spoken to in RESP2.
    redis_protocol protocol = redis_protocol::resp3;

    /// For one attempt: name, connection, TLS and greeting together. A Sentinel that is asked has
    /// so much time for itself.
    duration connect_timeout = std::chrono::milliseconds(1500);
    /// Until a command is answered, from when it is given.
    duration command_timeout = std::chrono::seconds(5);
    /// A server that has been silent for so long is asked for a sign of life ...
    duration ping_interval = std::chrono::seconds(1);
    /// ... and is gone when none comes for so long.
    duration ping_timeout = std::chrono::seconds(4);
    /// From the beginning of an attempt that fails, or of an outage, to the beginning of the next
    /// attempt. It doubles with each that fails; a random part of up to a half is taken off.
    duration reconnect_min = std::chrono::milliseconds(50);
    /// The longest. More spares a Redis that returns to many servers, and notices it later.
    duration reconnect_max = std::chrono::seconds(1);
    /// Commands that wait to be sent or answered, per connection; of a Redis Cluster also of all
    /// nodes together. More are refused. **Units**: bytes.
    std::uint64_t max_queue = 16ULL * 1024 * 1024;
    /// Of one reply or message of the server. A longer one ends the connection. **Units**: bytes.
    std::uint64_t max_reply_size = 64ULL * 1024 * 1024;

    /// **Errors**: `invalid_argument`. Says which option is wrong and what it may be.
    [[nodiscard]] result<void> check() const;
};

}  // namespace weft::cluster
