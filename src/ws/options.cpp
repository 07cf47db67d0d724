// What both sides of a WebSocket demand of their options. Invariant: with what passes here every
// queue can hold what it must.

#include <weft/ws/options.hpp>

#include <algorithm>

#include <weft/ws/client.hpp>

#include "base/option_check.hpp"
#include "net/byte_stream.hpp"
#include "ws/client_url.hpp"

namespace weft::ws {
namespace {

/// For servers and clients, whose options have the same names.
template <class Options>
void check_shared(option_check& all, const Options& chosen) {
    all.at_least("max_message", chosen.max_message, 1)
        .above_zero("message_grace", chosen.message_grace)
        .at_least("min_message_rate", chosen.min_message_rate, 1)
        .above_zero("ping_interval", chosen.ping_interval)
        .above_zero("close_timeout", chosen.close_timeout)
        .rule(chosen.idle_timeout >= chosen.ping_interval, "idle_timeout",
              "must not be below ping_interval")
        // The stream takes so much before anything waits where the policy can reach it.
        .at_least("max_queue", chosen.max_queue, 2 * net::byte_stream::high_water)
        .at_least("pause_reading_at", chosen.pause_reading_at, 1)
        .nested(chosen.deflate);
}

}  // namespace

result<void> deflate_options::check() const {
    return option_check("ws::deflate_options")
        .within("window_bits", window_bits.value_or(default_window_bits), 9, 15)
        .within("level", level, 1, 9)
        .outcome();
}

result<void> options::check() const {
    option_check all("ws::options");
    check_shared(all, *this);
    return all.at_least("max_control_burst", max_control_burst, 1)
        .above_zero("control_interval", control_interval)
        .at_least("max_violations", max_violations, 1)
        .rule(std::find(origins.begin(), origins.end(), "*") == origins.end(), "origins",
              "has '*': for any origin set `origin` to `any`")
        .nested(rate)
        .outcome();
}

result<void> backoff::check() const {
    return option_check("ws::backoff")
        .above_zero("initial", initial)
        .rule(max >= initial, "max", "must not be below initial")
        .rule(factor >= 1, "factor", "must be at least 1")
        .not_negative("stable_after", stable_after)
        .outcome();
}

result<void> client_options::check() const {
    option_check all("ws::client_options");
    check_shared(all, *this);
    if (!url.empty()) {  // until one is set
        const auto parsed = client_url::parse(url);
        all.rule(static_cast<bool>(parsed), "url", parsed ? "" : parsed.error().what());
    }
    if (!proxy.empty()) {
        const auto parsed = proxy_of(proxy);
        all.rule(static_cast<bool>(parsed), "proxy", parsed ? "" : parsed.error().what());
    }
    return all.above_zero("handshake_timeout", handshake_timeout).nested(reconnect).outcome();
}

}  // namespace weft::ws
