// What connections have in common: per loop the memory, compressors and counters, per endpoint the
// settings with everything that can be worked out once.

#include "ws/connection_shared.hpp"

namespace weft::ws {
namespace {

constexpr std::size_t idle_blocks = 8 * 1024 * 1024;  // kept per loop for the next large messages
constexpr std::size_t inflate_output = 64 * 1024;
constexpr std::size_t padding = 64;  // vector code may write behind the output

}  // namespace

connection_settings::connection_settings(const options& wanted) : chosen(wanted) {
    limits.max_message = wanted.max_message;
    limits.control_burst = wanted.max_control_burst;
    limits.control_interval = wanted.control_interval;
    const deflate_options deflate = wanted.deflate.value_or(deflate_options{});
    deflate_threshold =
        deflate.threshold.value_or(deflate.context_takeover ? default_threshold_with_history
                                                            : default_threshold_without_history);
    shared_threshold = deflate.threshold.value_or(default_threshold_without_history);
    if (chosen.rate) paces.emplace(*chosen.rate);
}

connection_shared::connection_shared(net::loop_core& owner, pubsub::exchange& all,
                                     std::uint64_t message_budget)
    : loop(owner),
      hub(owner, all),
      budget(message_budget),
      blocks(block_cache::make(idle_blocks)),
      inflate_memory(std::make_unique_for_overwrite<std::byte[]>(inflate_output + padding)),
      assembling{budget, {inflate_memory.get(), inflate_output}, blocks.get(), &owner.budget()} {
    if (auto digest = sha1_digest::make()) sha1.emplace(std::move(*digest));
}

void connection_metrics::visit(metric_visitor visitor) const {
    const auto count = [&](std::string_view name, std::string_view help, const counter& c,
                           metric_kind kind = metric_kind::counter) {
        visitor({name, {}, help, kind, c.read()});
    };
    count("weft_ws_connections", "Open WebSockets.", open, metric_kind::gauge);
    count("weft_ws_opened_total", "WebSockets opened.", opened);
    count("weft_ws_refused_total", "Upgrade requests refused.", refused);
    count("weft_ws_closed_clean_total", "WebSockets ended by a complete closing handshake.",
          closed_clean);
    count("weft_ws_closed_abnormal_total", "WebSockets ended without one.", closed_abnormal);
    count("weft_ws_messages_received_total", "Messages received.", messages_received);
    count("weft_ws_messages_sent_total", "Messages sent.", messages_sent);
    count("weft_ws_pings_sent_total", "Pings sent to silent peers.", pings_sent);
    count("weft_ws_idle_timeouts_total", "Peers given up after idle_timeout of silence.",
          idle_timeouts);
    count("weft_ws_throttled_total", "Times that reading paused because a peer sent too fast.",
          throttled);
    count("weft_ws_handler_exceptions_total", "Exceptions caught from handlers.",
          handler_exceptions);
    message_times.visit(visitor,
                        {"weft_ws_message_seconds_bucket", "weft_ws_message_seconds_sum",
                         "weft_ws_message_seconds_count",
                         "How long handlers took for a message. One of 256 messages is timed."});
    errors.visit(visitor);
    violations.visit(visitor);
}

}  // namespace weft::ws
