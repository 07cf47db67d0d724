#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <string_view>

#include <weft/base/metrics.hpp>
#include <weft/base/time.hpp>

namespace weft::net {

/// A histogram of how long turns take. **Cost**: those up to its first bound are not sorted in; all
/// turns are counted by `net_metrics::iterations`.
class turn_times {
public:
    static constexpr duration first_bound = std::chrono::milliseconds(1);

    void add(duration took) noexcept { total_.add(static_cast<std::uint64_t>(took.count())); }
    /// Besides, for one that is beyond the first bound.
    void add_long(duration took) noexcept {
        const auto* found = std::lower_bound(bounds.begin(), bounds.end(), took,
                                             [](const bound& b, duration t) { return b.most < t; });
        beyond_[static_cast<std::size_t>(found - bounds.begin()) - 1].add();
    }
    void visit(metric_visitor visitor, std::uint64_t turns) const {
        constexpr std::string_view help =
            "How long turns of the loop took: what a new event may have to wait.";
        constexpr auto kind = metric_kind::histogram;
        constexpr std::string_view bucket = "weft_net_turn_seconds_bucket";
        std::uint64_t within = turns;  // minus what was longer
        std::array<std::uint64_t, bounds.size()> up_to{};
        for (std::size_t i = bounds.size(); i-- > 0;) {
            within -= std::min(within, beyond_[i].read());
            up_to[i] = within;
        }
        for (std::size_t i = 0; i < bounds.size(); ++i)
            visitor({bucket, bounds[i].label, help, kind, up_to[i]});
        visitor({bucket, R"(le="+Inf")", help, kind, turns});
        visitor({"weft_net_turn_seconds_sum", {}, help, kind, total_.read(), 1'000'000'000});
        visitor({"weft_net_turn_seconds_count", {}, help, kind, turns});
    }

private:
    struct bound {
        duration most;
        std::string_view label;
    };
    static constexpr std::array<bound, 8> bounds{{
        {first_bound, R"(le="0.001")"},
        {std::chrono::milliseconds(5), R"(le="0.005")"},
        {std::chrono::milliseconds(10), R"(le="0.01")"},
        {std::chrono::milliseconds(25), R"(le="0.025")"},
        {std::chrono::milliseconds(50), R"(le="0.05")"},
        {std::chrono::milliseconds(100), R"(le="0.1")"},
        {std::chrono::milliseconds(250), R"(le="0.25")"},
        {std::chrono::seconds(1), R"(le="1")"},
    }};

    counter total_;                              // nanoseconds
    std::array<counter, bounds.size()> beyond_;  // longer than this bound, not than the next
};

/// One loop's counters. Written by the loop's thread only.
struct net_metrics {
    counter accepted, refused_no_descriptor, refused_limit, unproxied, open, connected,
        connect_failed;
    counter bytes_received, bytes_sent, receives, sends, would_block;
    counter write_timeouts, broken, tls_handshakes, tls_failures, posted_tasks, iterations,
        handler_exceptions, slow_turns;
    turn_times turns;

    void visit(metric_visitor visitor) const {
        const auto count = [&](std::string_view name, std::string_view help, const counter& c,
                               metric_kind kind = metric_kind::counter) {
            visitor({name, {}, help, kind, c.read()});
        };
        count("weft_net_accepted_total", "Connections accepted.", accepted);
        count("weft_net_refused_no_descriptor_total",
              "Connections dropped because descriptors ran out.", refused_no_descriptor);
        count("weft_net_refused_limit_total", "Connections refused by a limit.", refused_limit);
        count("weft_net_refused_unproxied_total",
              "Connections refused for want of a PROXY header of a trusted proxy.", unproxied);
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
        count("weft_net_slow_turns_total", "Turns that took longer than `slow_turn`.", slow_turns);
        turns.visit(visitor, iterations.read());
    }
};

}  // namespace weft::net
