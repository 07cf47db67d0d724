// What loops, listeners and TLS demand of their options. Invariant: with what passes here a loop
// makes progress in every turn, and every deadline can be computed.

#include <cstdint>
#include <string>

#include <weft/net/listen_options.hpp>
#include <weft/net/loop.hpp>
#include <weft/net/tls.hpp>
#include <weft/net/traffic_options.hpp>

#include "base/option_check.hpp"
#include "net/network_list.hpp"

namespace weft {
namespace {

constexpr duration longest_burst = std::chrono::hours(1);

void check_alpn(option_check& check, const std::vector<std::string>& names) {
    for (const std::string& name : names) {
        check.rule(
            !name.empty() && name.size() <= UINT8_MAX, "alpn",
            "has a name of " + std::to_string(name.size()) + " bytes: each must have 1 to 255");
    }
}

}  // namespace

result<void> receive_rate::check() const {
    return option_check("receive_rate")
        .at_least("messages_per_second", messages_per_second, 1)
        .at_least("bytes_per_second", bytes_per_second, 1)
        .within("burst", burst, duration::zero(), longest_burst)
        .outcome();
}

result<void> traffic_limits::check() const {
    return option_check("traffic_limits")
        .within("burst", burst, duration::zero(), longest_burst)
        .outcome();
}

result<void> traffic_options::check() const {
    return option_check("traffic_options").nested(per_address).nested(per_subject).outcome();
}

result<void> loop_budgets::check() const {
    return option_check("loop_budgets")
        .at_least("read_bytes", read_bytes, 1)
        .at_least("connection_work", connection_work, 1)
        .at_least("turn_work", turn_work, 1)
        .above_zero("phase_time", phase_time)
        .at_least("accepts", accepts, 1)
        .at_least("newcomers", newcomers, 1)
        .at_least("tls_handshakes", tls_handshakes, 1)
        .at_least("posted_tasks", posted_tasks, 1)
        .at_least("timers", timers, 1)
        .outcome();
}

result<void> stream_limits::check() const {
    return option_check("stream_limits")
        .above_zero("write_stall", write_stall)
        .not_negative("close_grace", close_grace)
        .not_negative("linger", linger)
        .above_zero("proxy_header", proxy_header)
        .outcome();
}

result<void> loop_options::check() const {
    return option_check("loop_options")
        .nested(budgets)
        .nested(limits)
        .rule(slow_turn == duration::zero() || slow_turn >= std::chrono::milliseconds(1),
              "slow_turn", "must be 0 or at least 1 ms")
        .outcome();
}

result<void> listen_options::check() const {
    const bool has_file = !unix_path.empty() && unix_path.front() != '@';
    const auto proxies = net::network_list::make(proxy_protocol_from);
    return option_check("listen_options")
        .rule(proxies.has_value(), "proxy_protocol_from",
              proxies ? "" : "is wrong: " + proxies.error().what())
        .rule(unix_path.empty() || adopt_fd < 0, "unix_path", "and adopt_fd exclude each other")
        .at_least("adopt_fd", adopt_fd, -1)
        .within("unix_mode", unix_mode.value_or(0), 0U, 0777U)
        .rule(has_file || !unix_mode, "unix_mode", "needs a unix_path that is a file")
        .rule(has_file || unix_group.empty(), "unix_group", "needs a unix_path that is a file")
        .at_least("backlog", backlog, 1)
        .outcome();
}

result<void> tls_options::check() const {
    option_check all("tls_options");
    all.rule(!certificates.empty(), "certificates", "is empty: TLS needs at least one");
    check_alpn(all, alpn);
    return all
        .within("ticket_rotation", ticket_rotation, std::chrono::seconds(1),
                std::chrono::hours(24 * 365))
        .outcome();
}

result<void> tls_client_options::check() const {
    option_check all("tls_client_options");
    check_alpn(all, alpn);
    return all.outcome();
}

}  // namespace weft
