#pragma once

#include <chrono>

namespace weft {

/// The clock of every deadline. It is monotonic: a jump of the wall clock moves no deadline.
using steady_clock = std::chrono::steady_clock;
using time_point = steady_clock::time_point;
using duration = steady_clock::duration;

/// `from + wait`, at most `time_point::max()`. `duration::max()` means never; a negative wait means
/// at once. All deadlines are computed with it.
[[nodiscard]] constexpr time_point later(time_point from, duration wait) noexcept {
    if (wait <= duration::zero()) return from;
    return from > time_point::max() - wait ? time_point::max() : from + wait;
}

/// The sum of two waits. Either may be `duration::max()`.
[[nodiscard]] constexpr duration longer(duration wait, duration by) noexcept {
    return later(time_point(wait), by).time_since_epoch();
}

/// A wait that was computed as a double, rounded down. Too long for the clock means never.
[[nodiscard]] constexpr duration to_duration(double ticks) noexcept {
    constexpr auto longest = static_cast<double>(duration::max().count());
    return ticks < longest ? duration(static_cast<duration::rep>(ticks)) : duration::max();
}

}  // namespace weft
