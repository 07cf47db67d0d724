#pragma once

#include <cstddef>

namespace weft::net {

/// How far a walk through numbered slots has come that is done a part at a time. What comes to
/// slots behind it, it misses.
struct slot_walk {
    std::size_t next = 0;
    bool over = false;
};

}  // namespace weft::net
