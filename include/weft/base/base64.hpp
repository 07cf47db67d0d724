#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <weft/base/bytes.hpp>

namespace weft {

/// How many characters `size` bytes need in base64, with padding.
[[nodiscard]] constexpr std::size_t base64_size(std::size_t size) noexcept {
    return (size + 2) / 3 * 4;
}

/// Writes base64 with padding; `out` must hold `base64_size(bytes.size())` characters. Returns
/// how many it wrote. **See**: RFC 4648 section 4.
std::size_t base64_encode(byte_view bytes, std::span<char> out) noexcept;

/// The same as a string.
[[nodiscard]] std::string base64_encode(byte_view bytes);

/// Decodes strictly: full groups of four, padding only at the end, no spaces, no stray bits behind
/// the last byte. So each value has exactly one text. Returns the number of bytes written.
/// **Errors**: returns nothing if the text is not canonical or does not fit into `out`.
[[nodiscard]] std::optional<std::size_t> base64_decode(std::string_view text,
                                                       byte_span out) noexcept;

}  // namespace weft
