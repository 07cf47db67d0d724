#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include <weft/base/time.hpp>

#include "net/pace.hpp"

namespace weft::net {

/// How many new connections a loop takes per second, so that a crowd that comes at once leaves it
/// time for those that are open. As many again are let in to show that they resume something; the
/// others are told when to come back: each a later time than the one before, at a pace that can be
/// taken.
/// **Threads**: the loop's.
class connect_budget {
public:
    enum class verdict : std::uint8_t { welcome, if_it_resumes, turn_away };

    /// 0: no limit.
    explicit connect_budget(unsigned per_second) noexcept { change(per_second); }

    /// Another budget from now on.
    void change(unsigned per_second) noexcept {
        pace_ = pace(per_second, to_duration(1e9 - 1e9 / std::max(per_second, 1U)));
        comebacks_ = pace(per_second, to_duration(1e9 / std::max(per_second, 1U)));
    }

    /// For a connection that was just accepted; counts it.
    [[nodiscard]] verdict judge(time_point now) noexcept {
        if (!pace_) return verdict::welcome;
        if (all_.try_spend(pace_, 1, now) <= now) return verdict::welcome;
        return resumers_.try_spend(pace_, 1, now) <= now ? verdict::if_it_resumes
                                                         : verdict::turn_away;
    }
    /// How long one that is refused now should stay away.
    [[nodiscard]] duration stay_away(time_point now) noexcept {
        constexpr duration soonest = std::chrono::seconds(1);
        constexpr duration most = std::chrono::minutes(1) - soonest;
        const time_point due = told_.spend(comebacks_, 1, now, later(now, most));
        return std::clamp(due - now, duration::zero(), most) + soonest;
    }

private:
    pace pace_;
    pace comebacks_;
    shared_due all_;
    shared_due resumers_;
    shared_due told_;
};

}  // namespace weft::net
