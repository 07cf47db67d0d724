#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <weft/base/result.hpp>
#include <weft/cluster/node_options.hpp>
#include <weft/cluster/redis_options.hpp>

namespace weft::cluster {

/// How the Socket.IO servers of a cluster speak to each other. All of them must be of one kind and
/// have one prefix.
enum class adapter_kind : std::uint8_t {
    classic,  ///< As npm's @socket.io/redis-adapter, `createAdapter`: publish and subscribe.
    sharded,  ///< As its `createShardedAdapter`: sharded publish and subscribe, Redis 7 and later.
};

/// How a process takes part in a cluster.
struct options {
    redis_options redis{};
    adapter_kind adapter = adapter_kind::classic;
    /// Begins the names of all channels. Node's default, too.
    std::string prefix = "socket.io";
    /// Lets any node answer any client's requests, so that no sticky sessions are needed. Of
    /// `server_options::cluster` only. Unset: requests about sessions of other nodes are refused.
    std::optional<node_options> nodes{};

    /// **Errors**: `invalid_argument`. Says which option is wrong and what it may be.
    [[nodiscard]] result<void> check() const;
};

}  // namespace weft::cluster
