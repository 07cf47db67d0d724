#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace weft {

/// Appends `text`, cut to `most` bytes, with '?' for what has no place in a line that people read:
/// what is not UTF-8, control characters, and what ends a line or reorders text. For logs of what
/// peers sent.
void append_printable(std::string& out, std::string_view text, std::size_t most);

}  // namespace weft
