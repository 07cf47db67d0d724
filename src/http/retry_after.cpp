// How long a client that was refused stays away. A server that asks for more than is sensible gets
// the longest wait, so that no number locks a client out.

#include "http/retry_after.hpp"

#include <algorithm>
#include <charconv>
#include <string>

#include <weft/http/head.hpp>

#include "net/loop_core.hpp"

namespace weft::http {

duration read_retry_after(std::string_view value) noexcept {
    const bool number = !value.empty() && std::all_of(value.begin(), value.end(),
                                                      [](char c) { return c >= '0' && c <= '9'; });
    if (!number) return {};
    constexpr std::int64_t most =
        std::chrono::duration_cast<std::chrono::seconds>(longest_retry_after).count();
    std::int64_t seconds = most;  // also if it does not fit
    (void)std::from_chars(value.data(), value.data() + value.size(), seconds);
    return std::chrono::seconds(std::min(seconds, most));
}

std::int64_t whole_seconds(duration time) noexcept {
    return std::max<std::int64_t>(std::chrono::ceil<std::chrono::seconds>(time).count(), 1);
}

refusal shutting_down(net::loop_core& which) {
    const duration away = which.comeback().value_or(duration::zero());
    return refusal(503).header("Retry-After", std::to_string(whole_seconds(away)));
}

duration told_to_wait(const client_response* refusal) noexcept {
    if (refusal == nullptr) return {};
    const int status = refusal->head.status();
    if (status != 429 && status != 503) return {};
    return read_retry_after(refusal->head.header("Retry-After"));
}

}  // namespace weft::http
