#pragma once

#include <algorithm>
#include <chrono>

#include <weft/base/time.hpp>

#include "net/pace.hpp"

namespace weft::net {

/// Tells those who are refused when to come back: each a later time than the one before, at a pace
/// that can be taken. The more are refused, the further ahead the last of them is told.
/// **Threads**: any.
class comebacks {
public:
    static constexpr duration longest = std::chrono::minutes(1);

    comebacks(double per_second, duration soonest) noexcept
        : pace_(per_second, to_duration(1e9 / std::max(per_second, 1.0))), soonest_(soonest) {}

    /// How long the next one stays away: from `soonest` to `longest`.
    [[nodiscard]] duration next(time_point now) noexcept {
        const duration most = longest - soonest_;
        const time_point due = last_.spend(pace_, 1, now, later(now, most));
        return std::clamp(due - now, duration::zero(), most) + soonest_;
    }

private:
    const pace pace_;
    const duration soonest_;
    shared_due last_;
};

}  // namespace weft::net
