#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <weft/base/time.hpp>

namespace weft::net {

class timer_wheel;

/// One deadline, embedded in its owner. **Lifetime**: cancels itself when destroyed; must not move
/// while armed.
class timer_node {
public:
    using fire_function = void (*)(timer_node&);
    explicit timer_node(fire_function fire) noexcept : fire_(fire) {}
    timer_node(const timer_node&) = delete;
    timer_node& operator=(const timer_node&) = delete;
    ~timer_node();

    [[nodiscard]] bool armed() const noexcept { return wheel_ != nullptr; }
    void cancel() noexcept;

private:
    friend class timer_wheel;
    void unlink() noexcept;

    timer_node* next_ = nullptr;
    timer_node** to_me_ =
        nullptr;  // the pointer that points here, so that unlinking needs no list head
    timer_wheel* wheel_ = nullptr;
    std::uint64_t deadline_ = 0;  // in ticks: when it is due
    std::uint64_t filed_ = 0;     // in ticks: the slot it stands in; never later than the deadline
    fire_function fire_;
};

/// A hierarchical timer wheel of 1 ms ticks, keyed lazily: moving a deadline later stores a number,
/// and the entry is filed anew only when its old slot comes up. **Cost**: O(1) to arm, move and
/// cancel, whatever the number of timers.
class timer_wheel {
public:
    explicit timer_wheel(time_point start) noexcept : start_(start) {}
    timer_wheel(const timer_wheel&) = delete;
    timer_wheel& operator=(const timer_wheel&) = delete;
    ~timer_wheel();

    /// Arms or moves. Fires in the first `advance` that reaches `when` (rounded up to a tick),
    /// never earlier.
    void arm(timer_node& node, time_point when) noexcept;
    /// The same, unless it is armed for an earlier time.
    void arm_sooner(timer_node& node, time_point when) noexcept;
    /// Fires at most `budget` timers due at `now`; returns true when more are due.
    bool advance(time_point now, std::size_t budget);
    /// How long until something may be due: exact for the lowest level, early for higher ones.
    /// `max` when nothing.
    [[nodiscard]] duration until_next(time_point now, duration max) const noexcept;

private:
    static constexpr unsigned level_bits = 6;
    static constexpr unsigned slots = 1U << level_bits;
    static constexpr unsigned levels = 6;  // 64^6 ms: two years

    friend class timer_node;
    void file(timer_node& node) noexcept;
    void refile_level(unsigned level) noexcept;
    [[nodiscard]] std::uint64_t ticks_up(time_point when) const noexcept;

    time_point start_;
    std::uint64_t current_ = 0;  // everything filed before this tick has fired
    std::array<std::array<timer_node*, slots>, levels> wheel_{};
    std::array<std::uint64_t, levels>
        occupied_{};  // bit per slot; may be stale-set, never stale-clear
    timer_node* due_ = nullptr;
};

}  // namespace weft::net
