// When a connection tries again. Invariant: never later than reconnect_max after it last tried, and
// not all servers of a cluster at the same moment.

#include "cluster/redis/retry.hpp"

#include <algorithm>

namespace weft::cluster::redis {

duration pause_before_retry(const redis_options& how, unsigned failures,
                            std::uint32_t random) noexcept {
    duration pause = how.reconnect_min;
    for (unsigned i = 1; i < failures && pause < how.reconnect_max; ++i) {
        pause = longer(pause, pause);
    }
    pause = std::min(pause, how.reconnect_max);
    const double part = static_cast<double>(random) / 4294967295.0;
    return to_duration(static_cast<double>(pause.count()) * (1 - part / 2));
}

}  // namespace weft::cluster::redis
