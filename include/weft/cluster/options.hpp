#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <weft/base/result.hpp>
#include <weft/base/time.hpp>
#include <weft/cluster/node_options.hpp>
#include <weft/cluster/redis_options.hpp>

namespace weft::cluster {

/// How the Socket.IO servers of a cluster speak to each other. All of them must be of one kind and
/// have one prefix.
enum class adapter_kind : std::uint8_t {
    classic,  ///< As npm's @socket.io/redis-adapter, `createAdapter`: publish and subscribe.
    sharded,  ///< As its `createShardedAdapter`: sharded publish and subscribe, Redis 7 and later.
    /// As npm's @socket.io/redis-streams-adapter: a stream, Redis 6.2 and later. Clients recover on
    /// any server (`socketio::options::connection_state_recovery`); then what is said reaches the
    /// sockets of this process, too, by way of Redis, in one order on all servers.
    streams,
};

/// How a process takes part in a cluster.
struct options {
    redis_options redis{};
    adapter_kind adapter = adapter_kind::classic;
    /// Begins the names of all channels. Node's default, too.
    std::string prefix = "socket.io";
    /// How long Redis may be away until `server::ready` says no. Before it was reached for the
    /// first time the answer is no, too. 0: at once. `duration::max()`: Redis has no say.
    duration ready_without_redis = std::chrono::seconds(10);

    // For `adapter_kind::streams`. The stream has the name `prefix`.
    /// About how many messages it has: who is gone for longer than they last starts afresh.
    std::uint64_t stream_length = 10'000;
    /// What this process keeps of the newest ones, so that those who come back need not ask Redis.
    /// **Units**: bytes.
    std::size_t stream_memory = 16 * 1024 * 1024;
    /// Begins the keys of the sockets that may come back. Node's default, too.
    std::string session_prefix = "sio:session:";

    /// Lets any node answer any client's requests, so that no sticky sessions are needed. Of
    /// `server_options::cluster` only. Unset: requests about sessions of other nodes are refused.
    std::optional<node_options> nodes{};

    /// **Errors**: `invalid_argument`. Says which option is wrong and what it may be.
    [[nodiscard]] result<void> check() const;
};

}  // namespace weft::cluster
