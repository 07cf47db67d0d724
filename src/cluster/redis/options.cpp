// What a Redis client demands of its options. Invariant: with what passes here a connection can be
// greeted, and every wait ends.

#include "cluster/redis/options.hpp"

#include <algorithm>

#include "base/option_check.hpp"

namespace weft::cluster::redis {
namespace {

bool is_client_name(const std::string& name) noexcept {
    return std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < 0x7F; });
}

}  // namespace

result<void> options::check() const {
    return option_check("redis::options")
        .rule(!unix_path.empty() || !host.empty(), "host", "must not be empty without unix_path")
        .rule(!unix_path.empty() || port != 0, "port", "must not be 0 without unix_path")
        .rule(!tls || unix_path.empty() || !tls_name.empty(), "tls_name",
              "must not be empty with tls and unix_path")
        .rule(user.empty() || !password.empty(), "password", "must not be empty with user")
        .rule(is_client_name(client_name), "client_name", "must be printable ASCII without spaces")
        .above_zero("connect_timeout", connect_timeout)
        .above_zero("command_timeout", command_timeout)
        .above_zero("ping_interval", ping_interval)
        .above_zero("ping_timeout", ping_timeout)
        .above_zero("reconnect_min", reconnect_min)
        .rule(reconnect_max >= reconnect_min, "reconnect_max", "must not be below reconnect_min")
        .at_least("max_queue", max_queue, 64 * 1024)
        .at_least("replies.max_bulk", replies.max_bulk, 1024)
        .within("replies.max_elements", replies.max_elements, 16, 1ULL << 30U)
        .within("replies.max_depth", replies.max_depth, 4, 1024)
        .at_least("replies.max_reply", replies.max_reply, 4096)
        .nested(tls)
        .outcome();
}

duration pause_before_retry(const options& how, unsigned failures, std::uint32_t random) noexcept {
    duration pause = how.reconnect_min;
    for (unsigned i = 1; i < failures && pause < how.reconnect_max; ++i) {
        pause = longer(pause, pause);
    }
    pause = std::min(pause, how.reconnect_max);
    const double part = static_cast<double>(random) / 4294967295.0;
    return to_duration(static_cast<double>(pause.count()) * (1 - part / 2));
}

}  // namespace weft::cluster::redis
