#pragma once

#include <cstdint>
#include <string_view>

#include <weft/base/admission.hpp>
#include <weft/base/time.hpp>

namespace weft::net {
class loop_core;
}

namespace weft::http {

struct client_response;

/// No server makes our clients wait for longer.
inline constexpr duration longest_retry_after = std::chrono::minutes(5);

/// What a `Retry-After` in seconds means; zero for anything else. Dates are not read, since the
/// clocks may differ. **See** RFC 9110, 10.2.3.
[[nodiscard]] duration read_retry_after(std::string_view value) noexcept;

/// A wait in the whole seconds of `Retry-After`; at least one.
[[nodiscard]] std::int64_t whole_seconds(duration time) noexcept;

/// What who comes new to a loop that drains is told.
[[nodiscard]] refusal shutting_down(net::loop_core& which);

/// How long a server that refused with 429 or 503 wants to be left alone. Zero: it did not say.
[[nodiscard]] duration told_to_wait(const client_response* refusal) noexcept;

}  // namespace weft::http
