#pragma once

#include <chrono>

namespace weft {

/// The clock of every deadline: monotonic, so that a wall-clock jump moves none of them.
using steady_clock = std::chrono::steady_clock;
using time_point = steady_clock::time_point;
using duration = steady_clock::duration;

}  // namespace weft
