// What is demanded of the options for Redis. Invariant: with what passes here a connection can be
// greeted, and every wait ends.

#include <algorithm>

#include <weft/cluster/redis_options.hpp>

#include "base/option_check.hpp"

namespace weft::cluster {
namespace {

bool is_client_name(const std::string& name) noexcept {
    return std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < 0x7F; });
}

bool are_addresses(const std::vector<redis_address>& all) noexcept {
    return std::all_of(all.begin(), all.end(),
                       [](const redis_address& a) { return !a.host.empty() && a.port != 0; });
}

}  // namespace

result<void> redis_options::check() const {
    const bool named = sentinels.empty() && cluster_nodes.empty() && unix_path.empty();
    return option_check("cluster::redis_options")
        .rule(!named || !host.empty(), "host", "must not be empty without unix_path")
        .rule(!named || port != 0, "port", "must not be 0 without unix_path")
        .rule(unix_path.empty() || (sentinels.empty() && cluster_nodes.empty()), "unix_path",
              "must be empty with sentinels or cluster_nodes")
        .rule(are_addresses(sentinels), "sentinels", "must have a host and a port each")
        .rule(are_addresses(cluster_nodes), "cluster_nodes", "must have a host and a port each")
        .rule(sentinels.empty() || cluster_nodes.empty(), "cluster_nodes",
              "must be empty with sentinels: a Redis Cluster fails over by itself")
        .rule(sentinels.empty() == master_name.empty(), "master_name",
              "must be set with sentinels, and only with them")
        .rule(sentinel_user.empty() || !sentinel_password.empty(), "sentinel_password",
              "must not be empty with sentinel_user")
        .rule(!tls || unix_path.empty() || !tls_name.empty(), "tls_name",
              "must not be empty with tls and unix_path")
        .rule(user.empty() || !password.empty(), "password", "must not be empty with user")
        .rule(is_client_name(client_name), "client_name", "must be printable ASCII without spaces")
        .rule(database == 0 || cluster_nodes.empty(), "database", "must be 0 with cluster_nodes")
        .above_zero("connect_timeout", connect_timeout)
        .above_zero("command_timeout", command_timeout)
        .above_zero("ping_interval", ping_interval)
        .above_zero("ping_timeout", ping_timeout)
        .above_zero("reconnect_min", reconnect_min)
        .rule(reconnect_max >= reconnect_min, "reconnect_max", "must not be below reconnect_min")
        .at_least("max_queue", max_queue, 64 * 1024)
        .at_least("max_reply_size", max_reply_size, 64 * 1024)
        .nested(tls)
        .outcome();
}

}  // namespace weft::cluster
