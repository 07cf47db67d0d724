#pragma once

// A server with many clients of all kinds in one world, where a seed drives clock, network and
// faults, and where what must be true is looked at after each step.

#include <cstddef>
#include <cstdint>
#include <string>

#include <weft/base/time.hpp>

#include "choices.hpp"

namespace weft::simulation {

struct limits {
    std::size_t clients = 24;  // at once
    std::size_t steps = 150;
    bool tells = false;  // its story, on standard error
};

struct outcome {
    std::string broken;  // empty: all was as it must be
    std::size_t step = 0;
    duration passed{};  // by the clock of the world
    std::uint64_t hash = 0;
    std::uint64_t messages = 0;
    std::size_t clients = 0;
};

/// Plays one world to its end.
outcome play(choices from, const limits& within = {});

/// From now on what the library draws at random follows from a seed, in the whole process.
void seed_library(std::uint64_t seed);

}  // namespace weft::simulation
