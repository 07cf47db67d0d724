#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include <weft/base/result.hpp>
#include <weft/base/time.hpp>
#include <weft/net/tls.hpp>

namespace weft::cluster {

/// How the processes of a cluster ("nodes") reach each other, so that clients need no sticky
/// sessions: a request about an Engine.IO session of another node is carried there. All nodes have
/// the same secret, and all or none have TLS. See docs/guide/cluster.md.
struct node_options {
    /// A numeric address to listen on: of a network that only nodes can reach.
    std::string host = "127.0.0.1";
    std::uint16_t port = 0;  ///< 0 picks a free port.
    /// Where other nodes find this one, a name or a numeric address; empty: at `host`.
    std::string announce{};
    /// What all nodes know and nobody else: at least 16 bytes, better 32 that are random.
    std::string secret{};

    /// Between nodes, which connect as clients of each other: set both or none.
    std::optional<tls_options> tls{};
    std::optional<tls_client_options> tls_client{};
    /// The name in the certificate of every node; empty: what each announces.
    std::string tls_name{};

    /// For finding another node and connecting to it: so long a client's request waits for it.
    duration connect_timeout = std::chrono::seconds(2);
    /// A node that could not be reached is not tried again for so long.
    duration retry_pause = std::chrono::milliseconds(500);
    /// A node that has been silent for so long is asked for a sign of life ...
    duration ping_interval = std::chrono::seconds(1);
    /// ... and is gone when none comes for so long.
    duration ping_timeout = std::chrono::seconds(4);
    /// Redis forgets a node that was killed after so long. It is told anew every third of that.
    std::chrono::milliseconds lease = std::chrono::seconds(10);

    /// Not inline: GCC 12 takes what it inlines of a copied `server_options` for uninitialized.
    ~node_options();

    /// **Errors**: `invalid_argument`. Says which option is wrong and what it may be.
    [[nodiscard]] result<void> check() const;
};

}  // namespace weft::cluster
