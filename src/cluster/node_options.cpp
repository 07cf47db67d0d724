// What is demanded of nodes that carry each other's sessions. Invariant: with what passes here
// others can be told where this node is, and nobody joins without the secret.

#include <weft/cluster/node_options.hpp>

#include <weft/net/socket_address.hpp>

#include "base/option_check.hpp"

namespace weft::cluster {

node_options::~node_options() = default;

result<void> node_options::check() const {
    const bool any = host == "0.0.0.0" || host == "::";
    return option_check("cluster::node_options")
        .rule(socket_address::make(host, port).has_value(), "host", "must be a numeric address")
        .rule(!any || !announce.empty(), "announce",
              "must be set when host is every address of the machine: others need one")
        .rule(announce.find_first_of(" \r\n") == announce.npos && announce.size() <= 255,
              "announce", "must be a host name or a numeric address")
        .rule(secret.size() >= 16, "secret", "must have at least 16 bytes")
        .rule(tls.has_value() == tls_client.has_value(), "tls_client",
              "must be set with tls, and only with it")
        .above_zero("connect_timeout", connect_timeout)
        .above_zero("retry_pause", retry_pause)
        .above_zero("ping_interval", ping_interval)
        .above_zero("ping_timeout", ping_timeout)
        .within("lease", lease, std::chrono::milliseconds(1000), std::chrono::hours(24))
        .nested(tls)
        .nested(tls_client)
        .outcome();
}

}  // namespace weft::cluster
