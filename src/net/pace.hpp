#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>

#include <weft/base/time.hpp>

namespace weft::net {

/// A rate, in the form in which it is looked at for each message: a token bucket whose content is
/// measured in time.
class pace {
public:
    /// No limit.
    constexpr pace() noexcept = default;
    constexpr pace(double per_second, duration burst) noexcept
        : unit_(per_second > 0 ? 1e9 / per_second : 0), burst_(burst) {}

    explicit constexpr operator bool() const noexcept { return unit_ > 0; }
    [[nodiscard]] constexpr duration burst() const noexcept { return burst_; }

    /// Who was even with its rate at `due` has had so many more units: when it is even again. Not
    /// after now: it is within its rate. `due` never counts from before `burst` ago, so that much
    /// may come at once after silence.
    [[nodiscard]] time_point spend(time_point due, std::uint64_t units,
                                   time_point now) const noexcept {
        // One step is bounded, so that no amount and no rate can overflow the sum.
        constexpr double longest_step = 60e9;
        const double took = static_cast<double>(units) * unit_;
        return std::max(due, now - burst_) +
               std::chrono::nanoseconds(static_cast<std::int64_t>(std::min(took, longest_step)));
    }

private:
    double unit_ = 0;  // nanoseconds; 0: no limit
    duration burst_{};
};

/// When those who share a bucket are even with its pace. **Threads**: any.
class shared_due {
public:
    /// Spends, whatever that leads to; the new moment. What is after `latest` is not remembered.
    time_point spend(const pace& at, std::uint64_t units, time_point now,
                     time_point latest = time_point::max()) noexcept {
        time_point before = due_.load(std::memory_order_relaxed);
        time_point after{};
        do {
            after = at.spend(before, units, now);
        } while (!due_.compare_exchange_weak(before, std::min(after, latest),
                                             std::memory_order_relaxed));
        return after;
    }
    /// Spends only if they are within their pace. If not, returns when they will be.
    time_point try_spend(const pace& at, std::uint64_t units, time_point now) noexcept {
        time_point before = due_.load(std::memory_order_relaxed);
        while (before <= now) {
            if (due_.compare_exchange_weak(before, at.spend(before, units, now),
                                           std::memory_order_relaxed))
                return now;
        }
        return before;
    }
    [[nodiscard]] time_point get() const noexcept { return due_.load(std::memory_order_relaxed); }

private:
    std::atomic<time_point> due_{time_point::min()};
};

}  // namespace weft::net
