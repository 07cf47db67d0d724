#pragma once

#include <cstdint>
#include <string>

namespace weft {

/// How much memory this process may use: that of the machine, or less where its control group (v2
/// or v1) or one above it says so. `root` is where /proc and /sys are; tests have their own.
/// 0 when the system does not tell.
[[nodiscard]] std::uint64_t system_memory(const std::string& root = "");

}  // namespace weft
