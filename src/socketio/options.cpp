// What Socket.IO servers and clients demand of their options.

#include <weft/socketio/options.hpp>

#include <weft/socketio/client_options.hpp>

#include "base/option_check.hpp"
#include "net/byte_stream.hpp"
#include "socketio/proto/placeholders.hpp"
#include "ws/client_url.hpp"

namespace weft::socketio {

result<void> recovery_options::check() const {
    return option_check("socketio::recovery_options")
        .above_zero("max_disconnection_duration", max_disconnection_duration)
        .at_least("max_bytes", max_bytes, 1)
        .at_least("max_sessions", max_sessions, 1)
        .outcome();
}

result<void> options::check() const {
    return option_check("socketio::options")
        .nested(engine)
        .above_zero("connect_timeout", connect_timeout)
        .nested(connection_state_recovery)
        .at_least("max_namespaces", max_namespaces, 1)
        .at_least("max_namespace_length", max_namespace_length, 1)
        .at_least("max_event_length", max_event_length, 1)
        .within("max_attachments", max_attachments, 0, placeholder_set::max_attachments)
        .above_zero("attachments_timeout", attachments_timeout)
        .above_zero("ack_timeout", ack_timeout)
        .at_least("max_violations", max_violations, 1)
        .outcome();
}

result<void> client_options::check() const {
    constexpr duration some = std::chrono::seconds(1);
    option_check all("socketio::client_options");
    if (!url.empty()) {  // until one is set
        const auto parsed = ws::client_url::parse(url);
        all.rule(static_cast<bool>(parsed), "url", parsed ? "" : parsed.error().what());
    }
    if (!proxy.empty()) {
        const auto parsed = ws::proxy_of(proxy);
        all.rule(static_cast<bool>(parsed), "proxy", parsed ? "" : parsed.error().what());
    }
    return all
        .rule(path.empty() || path.starts_with('/'), "path",
              "is '" + path + "': it must begin with '/'")
        .rule(!transports.empty(), "transports", "must name polling, websocket or both")
        .above_zero("request_timeout", request_timeout.value_or(some))
        .nested(per_message_deflate)
        .above_zero("reconnection_delay", reconnection_delay)
        .rule(reconnection_delay_max >= reconnection_delay, "reconnection_delay_max",
              "must not be below reconnection_delay")
        .not_negative("reconnection_stable_after", reconnection_stable_after)
        .rule(randomization_factor >= 0 && randomization_factor <= 1, "randomization_factor",
              "must be 0 to 1")
        .above_zero("timeout", timeout)
        .above_zero("ack_timeout", ack_timeout.value_or(some))
        .at_least("max_message", max_message, 1)
        .within("max_attachments", max_attachments, 0, placeholder_set::max_attachments)
        .at_least("max_queue", max_queue, 2 * net::byte_stream::high_water)
        .at_least("max_pending_acks", max_pending_acks, 1)
        .outcome();
}

}  // namespace weft::socketio
