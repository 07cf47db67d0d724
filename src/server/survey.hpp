#pragma once

#include <cstddef>
#include <vector>

#include <weft/base/task.hpp>
#include <weft/server/report.hpp>

#include "net/loop_core.hpp"
#include "pubsub/hub.hpp"

namespace weft {

/// The open connections for which the most waits, most first; of several the older. Goes from loop
/// to loop, looks at a part of each in a turn, and ends on the last one.
/// **Threads**: any. **Lifetime**: the loops outlive it, or it goes with them.
[[nodiscard]] task<std::vector<connection_report>> survey_connections(
    std::vector<net::loop_core*> loops, std::size_t most);

/// The topics with the most subscribers, most first. As above; topics that come or go meanwhile may
/// be missed.
[[nodiscard]] task<std::vector<topic_report>> survey_topics(std::vector<pubsub::hub*> hubs,
                                                            std::size_t most);

}  // namespace weft
