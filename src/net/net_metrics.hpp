#pragma once

#include <weft/base/metrics.hpp>

namespace weft::net {

/// One loop's counters. Written by the loop's thread only.
struct net_metrics {
    counter accepted, refused_no_descriptor, refused_limit, open, connected, connect_failed;
    counter bytes_received, bytes_sent, receives, sends, would_block;
    counter write_timeouts, broken, tls_handshakes, tls_failures, posted_tasks, iterations,
        handler_exceptions;

    void visit(metric_visitor to) const {
        const auto count = [&](std::string_view name, std::string_view help, const counter& c,
                               metric_kind kind = metric_kind::counter) {
            to({name, {}, help, kind, c.read()});
        };
        count("weft_net_accepted_total", "Connections accepted.", accepted);
        count("weft_net_refused_no_descriptor_total",
              "Connections dropped because descriptors ran out.", refused_no_descriptor);
        count("weft_net_refused_limit_total", "Connections refused by a limit.", refused_limit);
        count("weft_net_connections", "Open connections.", open, metric_kind::gauge);
        count("weft_net_connected_total", "Outgoing connections made.", connected);
        count("weft_net_connect_failed_total", "Outgoing connections that failed.", connect_failed);
        count("weft_net_received_bytes_total", "Bytes received.", bytes_received);
        count("weft_net_sent_bytes_total", "Bytes sent.", bytes_sent);
        count("weft_net_receive_calls_total", "Receive calls.", receives);
        count("weft_net_send_calls_total", "Send calls.", sends);
        count("weft_net_send_would_block_total", "Sends that found the peer's window full.",
              would_block);
        count("weft_net_write_timeouts_total",
              "Connections aborted because writing made no progress.", write_timeouts);
        count("weft_net_broken_total", "Connections that broke (reset, error).", broken);
        count("weft_net_tls_handshakes_total", "TLS handshakes completed.", tls_handshakes);
        count("weft_net_tls_failures_total", "TLS sessions that failed.", tls_failures);
        count("weft_net_posted_tasks_total", "Tasks run from other threads.", posted_tasks);
        count("weft_net_handler_exceptions_total",
              "Exceptions caught from timers, tasks and clients.", handler_exceptions);
        count("weft_net_iterations_total", "Loop iterations.", iterations);
    }
};

}  // namespace weft::net
