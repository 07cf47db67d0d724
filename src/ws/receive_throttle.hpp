#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include <weft/base/time.hpp>
#include <weft/ws/options.hpp>

namespace weft::ws {

/// How far a peer is ahead of the rate it may send at, in messages and in bytes: two leaky buckets.
///
/// Each bucket is one point in time, the moment at which it will be empty. It never lies further
/// back than `burst`, so that much may come at once after silence.
class receive_throttle {
public:
    /// What a silent peer may send at once, in time at its rate.
    static constexpr duration burst = std::chrono::seconds(2);
    /// Who is further ahead than this will not be waited for.
    static constexpr duration max_debt = std::chrono::seconds(10);

    explicit receive_throttle(time_point now) noexcept
        : messages_due_(now - burst), bytes_due_(now - burst) {}

    /// Counts what came.
    void spend(const receive_rate& rate, std::size_t messages, std::size_t bytes,
               time_point now) noexcept {
        spend(messages_due_, messages, rate.messages_per_second, now);
        spend(bytes_due_, bytes, rate.bytes_per_second, now);
    }

    /// When the peer is back within its rate; not after now when it is.
    [[nodiscard]] time_point due() const noexcept { return std::max(messages_due_, bytes_due_); }

private:
    static void spend(time_point& due, std::size_t amount, std::uint64_t per_second,
                      time_point now) noexcept {
        // One step is bounded, so that no amount and no rate can overflow the sum.
        constexpr double longest_step = 60e9;
        const double rate = static_cast<double>(std::max<std::uint64_t>(per_second, 1));
        const double took = static_cast<double>(amount) * 1e9 / rate;
        due = std::max(due, now - burst);
        due += std::chrono::nanoseconds(static_cast<std::int64_t>(std::min(took, longest_step)));
    }

    time_point messages_due_;
    time_point bytes_due_;
};

}  // namespace weft::ws
