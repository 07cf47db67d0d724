#pragma once

#include <weft/testing/world.hpp>

#include "net/backend/sim/sim_backend.hpp"

namespace weft {

/// The network in memory, for tests that cut it.
[[nodiscard]] net::sim_backend& network_of(test_world& world) noexcept;

}  // namespace weft
