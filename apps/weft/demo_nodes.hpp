#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <weft/base/function_ref.hpp>
#include <weft/server/server.hpp>

namespace weft {

/// One process of a demo that is a cluster.
struct demo_node {
    std::size_t index = 0;
    std::vector<std::uint16_t> ports{};  ///< Of all.
    std::string redis{};                 ///< The Unix socket of its Redis.
};

/// Runs `serve` in `nodes` processes, the first at `address`, and a Redis for them. One that dies
/// is started again after three seconds. At SIGTERM, SIGINT or SIGHUP all end, and nothing is left.
/// Returns the exit code; what goes wrong is told on standard error.
/// **Threads**: forks, so there must be no other.
int run_demo_nodes(const server_address& address, unsigned nodes,
                   function_ref<int(const demo_node&)> serve);

}  // namespace weft
