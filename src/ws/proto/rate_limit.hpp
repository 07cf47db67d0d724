#pragma once

#include <weft/base/time.hpp>

namespace weft::ws {

/// A token bucket in eight bytes: `burst` at once, then one per `interval`.
///
/// Instead of tokens it keeps the time at which the bucket would be full again.
class rate_limit {
public:
    /// Whether one more is within the limit at `now`, and counts it when it is.
    [[nodiscard]] bool allow(time_point now, duration interval, unsigned burst) noexcept {
        if (full_at_ < now) full_at_ = now;
        if (full_at_ - now > interval * (burst - 1)) return false;
        full_at_ += interval;
        return true;
    }

private:
    time_point full_at_{};
};

}  // namespace weft::ws
