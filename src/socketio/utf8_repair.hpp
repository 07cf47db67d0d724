#pragma once

#include <string>
#include <string_view>

namespace weft::socketio::detail {

/// The text with U+FFFD in place of what is not UTF-8: one for each byte that cannot begin a
/// character, one for each character that is cut short. **See**: Unicode 15, section 3.9, "U+FFFD
/// substitution of maximal subparts", which is what browsers do.
[[nodiscard]] std::string repaired_utf8(std::string_view text);

}  // namespace weft::socketio::detail
