#pragma once

#include <memory>

#include <weft/base/log.hpp>
#include <weft/cluster/options.hpp>
#include <weft/socketio/adapter.hpp>

namespace weft::cluster {

/// Connects a Socket.IO server with those of other processes, Node's among them, over Redis:
///
///     weft::socketio::options chosen;
///     chosen.adapter = weft::cluster::make_redis_adapter({.redis = {.host = "redis"}});
///     weft::socketio::server io{server, chosen};
///
/// `options::nodes` has no meaning here. Each server needs its own. An outage of Redis delays
/// nothing in this process; what others say meanwhile is lost, and the log tells when it begins and
/// ends.
/// **Errors**: the server refuses wrong options when it starts. **Lifetime**: the log outlives it.
[[nodiscard]] std::shared_ptr<socketio::adapter> make_redis_adapter(options chosen,
                                                                    log_sink* log = default_log());

}  // namespace weft::cluster
