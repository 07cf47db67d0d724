#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <weft/base/time.hpp>
#include <weft/base/unique_function.hpp>
#include <weft/server/drain_options.hpp>

#include "base/random.hpp"
#include "net/loop_core.hpp"
#include "net/slot_walk.hpp"

namespace weft {

/// What the log is told when it begins, behind "drain began".
[[nodiscard]] std::string story_of(const drain_options& how);

/// What the drain of a loop is made of. `end` does not throw; what else finds no memory is called
/// again.
struct drain_steps {
    /// Closes what it finds in the next `slots` slots of a walk, and returns how many those were.
    using part = unique_function<std::size_t(net::slot_walk& walk, std::size_t slots)>;

    unique_function<void()> begin;
    unique_function<std::size_t()> count;  ///< How many leavers there are.
    std::vector<part> leavers;             ///< They go at an even rate.
    unique_function<bool()> nobody_polls;  ///< Whoever is there needs no further connection.
    unique_function<void()> stop_accepting;
    std::vector<part> rest;  ///< Goes as fast as the loop bears.
    unique_function<bool()> is_empty;
    unique_function<void()> end;
};

/// The drain of one loop, from its begin to its end.
/// **Threads**: the loop's. **Lifetime**: outlived by the loop.
class loop_drain {
public:
    loop_drain(net::loop_core& loop, random_pool& random, const drain_options& how,
               drain_steps steps);

private:
    enum class phase : std::uint8_t { not_ready, leaving, polling, rest, emptying };

    void turn() noexcept;
    /// Does what can be done now. Returns how long to wait for more.
    duration advance();
    /// True once all parts were walked through.
    bool walk(std::vector<drain_steps::part>& parts, std::size_t due);
    [[nodiscard]] std::size_t due();
    [[nodiscard]] duration until_next_is_due();

    net::loop_core& loop_;
    random_pool& random_;
    const drain_options how_;
    drain_steps steps_;
    net::timer timer_;
    phase now_ = phase::not_ready;
    time_point began_{};      // to close
    std::size_t all_ = 0;     // who were there then
    std::size_t closed_ = 0;  // of this walk
    std::size_t part_ = 0;    // where it is
    net::slot_walk walk_;     // in that
};

}  // namespace weft
