#pragma once

#include <cstddef>
#include <string>

#include <weft/base/result.hpp>

namespace weft::config {

constexpr std::size_t largest_file = 1024 * 1024;

/// A whole file. **Errors**: the system's, without the name; it has more than `largest_file` bytes.
[[nodiscard]] result<std::string> read_small_file(const std::string& path);

}  // namespace weft::config
