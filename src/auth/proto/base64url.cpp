// Base64url without padding. One text per value: a signature that can be written in two ways would
// make two tokens of one.

#include "auth/proto/base64url.hpp"

#include <array>
#include <cstdint>

namespace weft::auth {
namespace {

constexpr std::uint32_t no_digit = 1U << 31;

constexpr auto digits = [] {
    std::array<std::uint32_t, 256> table{};
    table.fill(no_digit);
    std::uint32_t value = 0;
    for (char c = 'A'; c <= 'Z'; ++c) table[static_cast<unsigned char>(c)] = value++;
    for (char c = 'a'; c <= 'z'; ++c) table[static_cast<unsigned char>(c)] = value++;
    for (char c = '0'; c <= '9'; ++c) table[static_cast<unsigned char>(c)] = value++;
    table['-'] = value++;
    table['_'] = value;
    return table;
}();

/// The digits at each place of a group of four, shifted to where they belong: a group is then three
/// ORs, half of the instructions (auth_bench, verify/hs256).
constexpr auto places = [] {
    std::array<std::array<std::uint32_t, 256>, 4> tables{};
    for (std::size_t place = 0; place < 4; ++place) {
        for (std::size_t c = 0; c < 256; ++c) {
            const bool good = digits[c] != no_digit;
            tables[place][c] = good ? digits[c] << (18 - 6 * place) : no_digit;
        }
    }
    return tables;
}();

std::uint32_t digit(char c, std::size_t place) noexcept {
    return places[place][static_cast<unsigned char>(c)];
}

}  // namespace

std::optional<std::string> base64url_decode(std::string_view text) {
    const std::size_t rest = text.size() % 4;
    if (rest == 1) return std::nullopt;
    std::string bytes(text.size() / 4 * 3 + (rest == 0 ? 0 : rest - 1), '\0');
    char* out = bytes.data();
    std::uint32_t seen = 0;  // every group
    const auto put = [&out](std::uint32_t group, std::size_t size) {
        for (std::size_t i = 0; i < size; ++i) *out++ = static_cast<char>(group >> (16 - 8 * i));
    };
    const char* in = text.data();
    for (std::size_t left = text.size() / 4; left != 0; --left, in += 4) {
        const std::uint32_t group =
            digit(in[0], 0) | digit(in[1], 1) | digit(in[2], 2) | digit(in[3], 3);
        seen |= group;
        put(group, 3);
    }
    if (rest != 0) {
        std::uint32_t group = digit(in[0], 0) | digit(in[1], 1);
        if (rest == 3) group |= digit(in[2], 2);
        seen |= group;
        const std::uint32_t stray = rest == 3 ? group & 0xff : group & 0xffff;
        if (stray != 0) return std::nullopt;
        put(group, rest - 1);
    }
    if ((seen & no_digit) != 0) return std::nullopt;
    return bytes;
}

}  // namespace weft::auth
