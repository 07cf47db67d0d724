// The counters under their Prometheus names.

#include "cluster/nodes/metrics.hpp"

#include <string_view>

namespace weft::cluster::nodes {

void metrics::visit(metric_visitor visitor) const {
    const auto tell = [&](std::string_view name, std::string_view help, const counter& value,
                          std::string_view labels = {}, metric_kind kind = metric_kind::counter) {
        visitor({name, labels, help, kind, value.read()});
    };
    constexpr metric_kind gauge = metric_kind::gauge;
    constexpr std::string_view asker = R"(side="asker")", owner = R"(side="owner")";
    constexpr std::string_view links = "weft_node_connections";
    constexpr std::string_view links_help = "Open connections to other nodes.";
    tell(links, links_help, asking, asker, gauge);
    tell(links, links_help, serving, owner, gauge);
    constexpr std::string_view streams = "weft_node_streams";
    constexpr std::string_view streams_help = "Connections of clients that are carried now.";
    tell(streams, streams_help, asked, asker, gauge);
    tell(streams, streams_help, served, owner, gauge);
    constexpr std::string_view all = "weft_node_carried_total";
    constexpr std::string_view all_help = "Requests that were carried to the owner of a session.";
    tell(all, all_help, carried, asker);
    tell(all, all_help, accepted, owner);
    constexpr std::string_view refused = "weft_node_refused_total";
    constexpr std::string_view refused_help = "Requests that could not be carried.";
    tell(refused, refused_help, unknown, R"(reason="unknown_node")");
    tell(refused, refused_help, unreachable, R"(reason="unreachable")");
    tell(refused, refused_help, lost, R"(reason="connection_lost")");
    tell(refused, refused_help, full, R"(reason="limit")");
    tell("weft_node_sent_bytes_total", "Bytes of clients sent to other nodes.", bytes_sent);
    tell("weft_node_received_bytes_total", "Bytes of clients received from other nodes.",
         bytes_received);
    tell("weft_node_authentication_failures_total",
         "Connections whose other side did not know the secret.", auth_failures);
    tell("weft_node_protocol_errors_total", "Connections that broke the protocol of nodes.",
         protocol_errors);
}

}  // namespace weft::cluster::nodes
