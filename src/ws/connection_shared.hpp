#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include <weft/base/metrics.hpp>
#include <weft/ws/options.hpp>

#include "base/digest.hpp"
#include "base/histogram.hpp"
#include "base/random.hpp"
#include "base/user_boundary.hpp"
#include "net/access_note.hpp"
#include "net/conn_table.hpp"
#include "net/loop_core.hpp"
#include "net/traffic_meter.hpp"
#include "pubsub/hub.hpp"
#include "schema/violation_counters.hpp"
#include "ws/proto/deflate.hpp"
#include "ws/proto/error_counters.hpp"
#include "ws/proto/message_assembler.hpp"

namespace weft::ws {

/// One loop's counters of WebSocket traffic.
struct connection_metrics {
    /// A time costs two readings of the clock, a tenth of what the echo of a small message does.
    static constexpr std::uint64_t timed_one_of = 256;

    counter open, opened, closed_clean, closed_abnormal, messages_received, messages_sent,
        pings_sent, idle_timeouts, handler_exceptions, throttled, refused;
    error_counters errors;
    violation_counters violations;  ///< Of Socket.IO, too.
    time_histogram message_times;   ///< Of one in `timed_one_of`.
    void visit(metric_visitor visitor) const;
};

class connection_core;

/// What the connections of one loop share. **Lifetime**: outlives them.
class connection_shared {
public:
    connection_shared(net::loop_core& owner, pubsub::exchange& all, std::uint64_t message_budget);

    net::loop_core& loop;
    net::conn_table<connection_core> connections;  ///< From `on_open` to `on_closed`.
    pubsub::hub hub;
    byte_budget budget;
    block_cache::owner blocks;
    std::unique_ptr<std::byte[]> inflate_memory;
    assembler_shared assembling;
    shared_deflaters deflaters;
    random_pool random;
    std::optional<sha1_digest>
        sha1;  // unset when OpenSSL has none: every handshake is refused then
    /// What an access log will be told of connections, which own them. Here, as most servers have
    /// no such log: so it takes nothing of a connection.
    net::conn_table<net::access_note> notes;
    connection_metrics metrics;
    user_boundary users{"ws", loop.options().log, metrics.handler_exceptions, loop.callbacks()};
};

/// The settings of an endpoint or client in the form that connections use. **Lifetime**: outlives
/// the connections.
struct connection_settings {
    explicit connection_settings(const options& chosen);
    options chosen;
    message_limits limits;
    std::size_t deflate_threshold = 0;  // with history
    std::size_t shared_threshold = 0;   // without: broadcasts, no context takeover
    std::optional<net::receive_paces> paces;
};

}  // namespace weft::ws
