// The one place where limits and times are judged, for endpoints and for clients. Invariant: what
// passes here makes every deadline computable and every queue able to hold what it must.

#include "ws/check_options.hpp"

#include <algorithm>
#include <string>

#include "net/byte_stream.hpp"

namespace weft::ws {

result<void> check(const options& chosen, std::string_view type) {
    const auto wrong = [&](std::string_view what) {
        return error(weft::errc::invalid_argument, std::string(type) + "::" + std::string(what));
    };
    if (chosen.deflate && (chosen.deflate->window_bits < 9 || chosen.deflate->window_bits > 15))
        return wrong("deflate: window_bits must be 9 to 15");
    if (chosen.deflate && (chosen.deflate->level < 1 || chosen.deflate->level > 9))
        return wrong("deflate: level must be 1 to 9");
    if (chosen.idle_timeout < chosen.ping_interval)
        return wrong("idle_timeout must not be below ping_interval");
    if (chosen.max_message == 0) return wrong("max_message must not be 0");
    // The stream takes so much before anything waits where the policy can reach it.
    if (chosen.max_queue < 2 * net::byte_stream::high_water)
        return wrong("max_queue must be at least 131072 (128 KiB)");
    if (chosen.ping_interval <= duration::zero() || chosen.close_timeout <= duration::zero())
        return wrong("ping_interval and close_timeout must be above 0");
    constexpr duration longest = std::chrono::hours(24 * 365);
    if (std::max({chosen.idle_timeout, chosen.close_timeout, chosen.max_message_age}) > longest)
        return wrong("idle_timeout, close_timeout and max_message_age must not be above a year");
    return {};
}

}  // namespace weft::ws
