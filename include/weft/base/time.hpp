#pragma once

#include <chrono>

namespace weft {

/// The clock of every deadline: monotonic, so that a wall-clock jump moves none of them.
using steady_clock = std::chrono::steady_clock;
using time_point = steady_clock::time_point;
using duration = steady_clock::duration;

/// `from` + `wait`, or as far as the clock goes: `duration::max()` means never, and what is below
/// zero means at once. Every deadline is made by it.
[[nodiscard]] constexpr time_point later(time_point from, duration wait) noexcept {
    if (wait <= duration::zero()) return from;
    return from > time_point::max() - wait ? time_point::max() : from + wait;
}

/// The sum of two waits, of which either may be `duration::max()`.
[[nodiscard]] constexpr duration longer(duration wait, duration by) noexcept {
    return later(time_point(wait), by).time_since_epoch();
}

/// A wait that was computed, rounded down; what no clock can hold is never.
[[nodiscard]] constexpr duration to_duration(double ticks) noexcept {
    constexpr auto longest = static_cast<double>(duration::max().count());
    return ticks < longest ? duration(static_cast<duration::rep>(ticks)) : duration::max();
}

}  // namespace weft
