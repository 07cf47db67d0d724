#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace weft::cluster::redis {

/// How many bytes a command takes on the wire.
[[nodiscard]] std::size_t command_size(std::span<const std::string_view> arguments) noexcept;

/// Appends a command: an array of bulk strings. The first argument is its name. **Cost**: one
/// allocation at most.
void append_command(std::string& out, std::span<const std::string_view> arguments);

}  // namespace weft::cluster::redis
