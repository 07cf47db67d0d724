#pragma once

#include <chrono>
#include <cstddef>
#include <utility>

#include <weft/base/time.hpp>

namespace weft {

/// Lets through one event of a minute: for log lines that a peer can cause as often as it likes.
/// **Threads**: one.
class seldom {
public:
    /// Counts an event: how many there were since the last that was let through, or 0 when this one
    /// is not.
    [[nodiscard]] std::size_t count(time_point now) noexcept {
        ++since_;
        if (now < next_) return 0;
        next_ = later(now, std::chrono::minutes(1));
        return std::exchange(since_, 0);
    }

private:
    std::size_t since_ = 0;
    time_point next_ = time_point::min();
};

}  // namespace weft
