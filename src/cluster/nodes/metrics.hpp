#pragma once

#include <weft/base/metrics.hpp>

namespace weft::cluster::nodes {

/// What a node counts of its dealings with others. **Threads**: the home loop's changes them, any
/// reads them.
struct metrics {
    counter asking, serving;    ///< Gauges: open connections, by who opened them.
    counter asked, served;      ///< Gauges: open streams, by who opened them.
    counter carried, accepted;  ///< Streams that were opened.
    counter unknown;            ///< Requests whose owner Redis does not know.
    counter unreachable;        ///< Requests whose owner could not be reached in time.
    counter lost;               ///< Streams whose connection was lost.
    counter full;               ///< Requests that a limit turned away.
    counter bytes_sent, bytes_received;
    counter auth_failures;
    counter protocol_errors;

    void visit(metric_visitor visitor) const;
};

}  // namespace weft::cluster::nodes
