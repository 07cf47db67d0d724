#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <weft/base/time.hpp>
#include <weft/net/conn_id.hpp>

namespace weft {

/// One open connection, as an operator wants to see it.
struct connection_report {
    conn_id id;
    std::string kind;        ///< "http", "websocket", or "other" (the way to Redis, for one).
    std::string address;     ///< With the port; what a trusted proxy told.
    std::string subject{};   ///< Of its identity, if it has one.
    std::string path{};      ///< Without the query. Known if `server_options::access` is set.
    std::size_t queued = 0;  ///< What waits for it to read. **Units**: bytes.
    /// Since it was accepted; of a WebSocket since its request, likewise known then.
    std::optional<duration> age{};
};

/// One topic with subscribers.
struct topic_report {
    std::string name;             ///< Of a room of Socket.IO "namespace,room".
    bool room = false;            ///< It is Socket.IO's.
    std::size_t subscribers = 0;  ///< On all loops of this process.
};

}  // namespace weft
