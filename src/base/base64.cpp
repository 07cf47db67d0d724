// Base64 with one alphabet and no tolerance: decoding accepts exactly the texts that encoding
// makes.

#include <array>
#include <cstdint>

#include <weft/base/base64.hpp>

namespace weft {
namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::uint32_t invalid = 64;

constexpr std::array<std::uint8_t, 256> make_values() {
    std::array<std::uint8_t, 256> values{};
    values.fill(invalid);
    for (std::size_t i = 0; i < alphabet.size(); ++i) {
        values[static_cast<std::uint8_t>(alphabet[i])] = static_cast<std::uint8_t>(i);
    }
    return values;
}

constexpr std::array<std::uint8_t, 256> values = make_values();

std::uint32_t value_of(char c) noexcept {
    return values[static_cast<std::uint8_t>(c)];
}

}  // namespace

std::size_t base64_encode(byte_view bytes, std::span<char> out) noexcept {
    std::size_t written = 0;
    for (std::size_t offset = 0; offset < bytes.size(); offset += 3) {
        const std::size_t left = bytes.size() - offset;
        std::uint32_t group = std::to_integer<std::uint32_t>(bytes[offset]) << 16;
        if (left > 1) group |= std::to_integer<std::uint32_t>(bytes[offset + 1]) << 8;
        if (left > 2) group |= std::to_integer<std::uint32_t>(bytes[offset + 2]);
        out[written++] = alphabet[group >> 18];
        out[written++] = alphabet[group >> 12 & 63];
        out[written++] = left > 1 ? alphabet[group >> 6 & 63] : '=';
        out[written++] = left > 2 ? alphabet[group & 63] : '=';
    }
    return written;
}

std::string base64_encode(byte_view bytes) {
    std::string text(base64_size(bytes.size()), '\0');
    base64_encode(bytes, text);
    return text;
}

std::optional<std::size_t> base64_decode(std::string_view text, byte_span out) noexcept {
    if (text.size() % 4 != 0) return std::nullopt;
    if (text.empty()) return 0;
    const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
    const std::size_t size = text.size() / 4 * 3 - padding;
    if (size > out.size()) return std::nullopt;

    std::size_t written = 0;
    for (std::size_t offset = 0; offset < text.size(); offset += 4) {
        const std::size_t padded = offset + 4 == text.size() ? padding : 0;
        std::uint32_t group = 0;
        for (std::size_t i = 0; i < 4; ++i) {
            const std::uint32_t value = i >= 4 - padded ? 0 : value_of(text[offset + i]);
            if (value == invalid) return std::nullopt;
            group = group << 6 | value;
        }
        // Bits behind the last byte must be zero, or two texts would mean the same.
        if ((group & ((1U << (8 * padded)) - 1)) != 0) return std::nullopt;
        for (std::size_t i = 0; i < 3 - padded; ++i) {
            out[written++] = static_cast<std::byte>(group >> (16 - 8 * i) & 0xFF);
        }
    }
    return written;
}

}  // namespace weft
