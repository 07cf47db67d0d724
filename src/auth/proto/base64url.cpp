// Base64url without padding. One text per value: a signature that can be written in two ways would
// make two tokens of one.

#include "auth/proto/base64url.hpp"

#include <array>
#include <cstdint>

namespace weft::auth {
namespace {

constexpr std::uint8_t no_digit = 0xff;

constexpr auto digits = [] {
    std::array<std::uint8_t, 256> table{};
    table.fill(no_digit);
    std::uint8_t value = 0;
    for (char c = 'A'; c <= 'Z'; ++c) table[static_cast<unsigned char>(c)] = value++;
    for (char c = 'a'; c <= 'z'; ++c) table[static_cast<unsigned char>(c)] = value++;
    for (char c = '0'; c <= '9'; ++c) table[static_cast<unsigned char>(c)] = value++;
    table['-'] = value++;
    table['_'] = value;
    return table;
}();

std::uint32_t digit(char c) noexcept {
    return digits[static_cast<unsigned char>(c)];
}

}  // namespace

std::optional<std::string> base64url_decode(std::string_view text) {
    const std::size_t rest = text.size() % 4;
    if (rest == 1) return std::nullopt;
    std::string bytes(text.size() / 4 * 3 + (rest == 0 ? 0 : rest - 1), '\0');
    char* out = bytes.data();
    std::uint32_t seen = 0;  // above 63 once a character was no digit
    const char* in = text.data();
    for (std::size_t left = text.size() / 4; left != 0; --left, in += 4) {
        const std::uint32_t a = digit(in[0]), b = digit(in[1]), c = digit(in[2]), d = digit(in[3]);
        seen |= a | b | c | d;
        const std::uint32_t group = a << 18 | b << 12 | c << 6 | d;
        *out++ = static_cast<char>(group >> 16);
        *out++ = static_cast<char>(group >> 8);
        *out++ = static_cast<char>(group);
    }
    if (rest != 0) {
        const std::uint32_t a = digit(in[0]), b = digit(in[1]), c = rest == 3 ? digit(in[2]) : 0;
        seen |= a | b | c;
        const std::uint32_t stray = rest == 3 ? c & 0x03 : b & 0x0f;
        if (stray != 0) return std::nullopt;
        *out++ = static_cast<char>(a << 2 | b >> 4);
        if (rest == 3) *out++ = static_cast<char>(b << 4 | c >> 2);
    }
    if (seen > 63) return std::nullopt;
    return bytes;
}

}  // namespace weft::auth
