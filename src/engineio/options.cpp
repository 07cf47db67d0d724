// What an Engine.IO server demands of its options.

#include <weft/engineio/options.hpp>

#include <algorithm>

#include "base/option_check.hpp"
#include "net/byte_stream.hpp"

namespace weft::engineio {
namespace {

/// JavaScript's timers, which clients wait on for a ping, hold so much; above, they fire at once.
constexpr duration longest_heartbeat = std::chrono::milliseconds(INT32_MAX);

}  // namespace

result<void> cors_options::check() const {
    const bool any = std::find(origins.begin(), origins.end(), "*") != origins.end();
    return option_check("engineio::cors_options")
        .rule(!any || origins.size() == 1, "origins", "has '*' beside others: it must be alone")
        .rule(!any || !credentials, "credentials", "is on: then name the origins instead of '*'")
        .within("options_success_status", options_success_status, 200, 299)
        .not_negative("max_age", max_age.value_or(std::chrono::seconds(0)))
        .outcome();
}

result<void> options::check() const {
    option_check all("engineio::options");
    all.rule(path.starts_with('/'), "path", "is '" + path + "': it must begin with '/'")
        .rule(!transports.empty(), "transports", "must name polling, websocket or both")
        .above_zero("ping_interval", ping_interval)
        .above_zero("ping_timeout", ping_timeout)
        .rule(longer(ping_interval, ping_timeout) <= longest_heartbeat, "ping_interval",
              "and ping_timeout together must be at most 24 days: clients cannot wait longer")
        .above_zero("upgrade_timeout", upgrade_timeout)
        .above_zero("close_timeout", close_timeout)
        .above_zero("handshake_timeout", handshake_timeout)
        .at_least("max_http_buffer_size", max_http_buffer_size, 1)
        .at_least("max_sessions", max_sessions, 1)
        .at_least("max_queue", max_queue, 2 * net::byte_stream::high_water);
    return all
        .rule(std::find(origins.begin(), origins.end(), "*") == origins.end(), "origins",
              "has '*': for any origin set `origin` to `any`, or `cors.origins` to '*' alone")
        .nested(rate)
        .nested(per_message_deflate)
        .nested(cors)
        .rule(
            !cookie || !http::to_string(*cookie).empty(), "cookie",
            "cannot be sent: its name must be a token, its path and domain without ; and controls")
        .outcome();
}

}  // namespace weft::engineio
