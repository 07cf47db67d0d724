#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace weft::auth {

/// Decodes strictly: no padding, no white space, no stray bits behind the last byte. So each value
/// has exactly one text. Nothing when the text is not that. **See**: RFC 7515 section 2.
[[nodiscard]] std::optional<std::string> base64url_decode(std::string_view text);

}  // namespace weft::auth
