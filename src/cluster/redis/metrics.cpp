// The counters under their Prometheus names.

#include "cluster/redis/metrics.hpp"

namespace weft::cluster::redis {

void redis_metrics::visit(metric_visitor visitor) const {
    const auto tell = [&](std::string_view name, std::string_view help, const counter& value,
                          std::string_view labels = {}, metric_kind kind = metric_kind::counter) {
        visitor({name, labels, help, kind, value.read()});
    };
    tell("weft_redis_connects_total", "Connections to Redis that were opened.", connects);
    tell("weft_redis_losses_total", "Connections to Redis that were lost.", losses);
    tell("weft_redis_connect_failures_total", "Attempts to reach Redis that failed.",
         connect_failures);
    tell("weft_redis_commands_total", "Commands given to Redis.", commands);
    constexpr std::string_view failed = "weft_redis_commands_failed_total";
    constexpr std::string_view failed_help = "Commands that Redis did not carry out.";
    tell(failed, failed_help, timed_out, R"(reason="timed_out")");
    tell(failed, failed_help, lost, R"(reason="connection_lost")");
    tell(failed, failed_help, refused, R"(reason="queue_full")");
    tell(failed, failed_help, server_refused, R"(reason="refused_by_server")");
    tell("weft_redis_redirected_total",
         "Commands and subscriptions that a node of a Redis Cluster sent to another.", redirected);
    tell("weft_redis_messages_total", "Messages from Redis to a subscribed channel.", messages);
    tell("weft_redis_ignored_total", "Pushes of Redis that nobody waits for.", ignored);
    tell("weft_redis_subscriptions_refused_total", "Subscriptions that Redis refused.",
         subscriptions_lost);
    tell("weft_redis_sent_bytes_total", "Bytes sent to Redis.", bytes_sent);
    tell("weft_redis_received_bytes_total", "Bytes received from Redis.", bytes_received);
    tell("weft_redis_handler_exceptions_total", "Exceptions of handlers of Redis.",
         handler_exceptions);
    tell("weft_redis_queued_bytes", "Bytes of commands that wait for Redis.", queued, {},
         metric_kind::gauge);
}

}  // namespace weft::cluster::redis
