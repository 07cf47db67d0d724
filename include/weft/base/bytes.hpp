#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace weft {

/// Read-only bytes that somebody else owns. **Lifetime**: documented where you get it.
using byte_view = std::span<const std::byte>;

/// Writable bytes that somebody else owns.
using byte_span = std::span<std::byte>;

/// The bytes of a text. **Cost**: none, no copy.
inline byte_view as_bytes(std::string_view text) noexcept {
    return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}

/// The bytes as a text. Does not check the content. **Cost**: none, no copy.
inline std::string_view as_text(byte_view bytes) noexcept {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace weft
