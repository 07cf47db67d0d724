#pragma once

#include <weft/base/metrics.hpp>

namespace weft::cluster::redis {

/// What a client counts. **Threads**: the loop's changes them, any reads them.
struct redis_metrics {
    counter connects;            ///< Connections that were greeted.
    counter losses;              ///< Of those, how many ended otherwise than by us.
    counter connect_failures;    ///< Attempts that failed.
    counter commands;            ///< Accepted, subscriptions and signs of life included.
    counter timed_out;           ///< Commands that were not answered in time.
    counter lost;                ///< Commands whose connection was lost before they were answered.
    counter refused;             ///< Commands that max_queue had no room for.
    counter server_refused;      ///< Commands that the server refused.
    counter redirected;          ///< Commands and subscriptions that a node sent to another.
    counter messages;            ///< From channels that have a handler.
    counter ignored;             ///< Pushes that nobody waits for.
    counter subscriptions_lost;  ///< Channels whose subscription the server refused.
    counter bytes_sent;
    counter bytes_received;
    counter handler_exceptions;
    counter queued;  ///< A gauge: bytes of the commands that wait.

    void visit(metric_visitor visitor) const;
};

}  // namespace weft::cluster::redis
