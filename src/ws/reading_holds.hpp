#pragma once

#include <cstdint>

namespace weft::ws {

/// Why nothing is read from a peer at the moment.
enum class hold : std::uint8_t {
    throttled = 1,  ///< It sends faster than it may.
    behind = 2,     ///< It does not read what we send.
    kept = 4,       ///< What was read before is not handled yet: its turn comes.
    paused = 8,     ///< The user wants nothing for now.
};

/// The reasons for which reading stands still: it goes on when none is left.
class reading_holds {
public:
    [[nodiscard]] bool any() const noexcept { return set_ != 0; }
    [[nodiscard]] bool has(hold reason) const noexcept { return (set_ & bit(reason)) != 0; }
    /// True when it is the first one: reading is to be paused.
    [[nodiscard]] bool add(hold reason) noexcept {
        const bool first = set_ == 0;
        set_ = static_cast<std::uint8_t>(set_ | bit(reason));
        return first;
    }
    /// True when it was the last one: reading may go on.
    [[nodiscard]] bool remove(hold reason) noexcept {
        const bool last = set_ == bit(reason);
        set_ = static_cast<std::uint8_t>(set_ & ~bit(reason));
        return last;
    }

private:
    static constexpr std::uint8_t bit(hold reason) noexcept {
        return static_cast<std::uint8_t>(reason);
    }

    std::uint8_t set_ = 0;
};

}  // namespace weft::ws
