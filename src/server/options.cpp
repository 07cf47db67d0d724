// What a server demands of its options.

#include <weft/server/server.hpp>

#include "base/option_check.hpp"
#include "net/tls/tls_context.hpp"

namespace weft {

result<void> server_options::check() const {
    return option_check("server_options")
        .within("threads", threads, 1, 255)
        .nested(http)
        .nested(budgets)
        .nested(limits)
        .nested(traffic)
        .nested(cluster)
        .rule(slow_turn == duration::zero() || slow_turn >= std::chrono::milliseconds(1),
              "slow_turn", "must be 0 or at least 1 ms")
        .at_least("message_budget", message_budget, 1)
        .at_least("max_connections", max_connections, 1)
        .outcome();
}

result<void> server_address::check() const {
    return option_check("server_address").nested(to_listen_options()).nested(tls).outcome();
}

result<void> server_address::check_files() const {
    if (!tls) return {};
    const auto made = net::tls_server_context::make(*tls);
    return made ? result<void>() : made.error();
}

result<void> run_options::check() const {
    return option_check("run_options").nested(tls).nested(drain).outcome();
}

result<void> drain_options::check() const {
    return option_check("drain_options")
        .not_negative("not_ready_for", not_ready_for)
        .not_negative("window", window)
        .not_negative("retry_within", retry_within)
        .rule(deadline >= window, "deadline", "must be at least window, and not below 0")
        .outcome();
}

listen_options server_address::to_listen_options() const {
    listen_options where;
    where.host = host;
    where.port = port;
    where.unix_path = unix_path;
    where.unix_mode = unix_mode;
    where.unix_group = unix_group;
    where.adopt_fd = adopt_fd;
    return where;
}

}  // namespace weft
