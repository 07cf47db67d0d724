#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

namespace weft::http::syntax {

// Which byte may stand where (RFC 9110 section 5.6, RFC 9112 section 3.2).
inline constexpr std::uint8_t token_bit = 1;   // method and header names
inline constexpr std::uint8_t target_bit = 2;  // request target: visible ASCII, no fragment
inline constexpr std::uint8_t value_bit = 4;   // header values: visible, blank, tab, 0x80 to 0xFF
inline constexpr std::uint8_t host_bit = 8;    // a registered name or IPv4 address
inline constexpr std::uint8_t hex_bit = 16;

inline constexpr std::array<std::uint8_t, 256> classes = [] {
    std::array<std::uint8_t, 256> table{};
    const auto mark = [&table](std::string_view bytes, std::uint8_t bit) {
        for (const char c : bytes) {
            auto& entry = table[static_cast<unsigned char>(c)];
            entry = static_cast<std::uint8_t>(entry | bit);
        }
    };
    const auto mark_range = [&table](unsigned first, unsigned last, std::uint8_t bit) {
        for (unsigned c = first; c <= last; ++c)
            table[c] = static_cast<std::uint8_t>(table[c] | bit);
    };
    constexpr std::string_view letters_digits =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    mark(letters_digits, token_bit | host_bit);
    mark("!#$%&'*+-.^_`|~", token_bit);
    mark("-._~!$&'()*+,;=", host_bit);
    mark("0123456789abcdefABCDEF", hex_bit);
    mark_range(0x21, 0x7E, target_bit | value_bit);
    table['#'] = static_cast<std::uint8_t>(table['#'] & ~target_bit);
    mark("\t ", value_bit);
    mark_range(0x80, 0xFF, value_bit);
    return table;
}();

constexpr bool is(char c, std::uint8_t bit) noexcept {
    return (classes[static_cast<unsigned char>(c)] & bit) != 0;
}
constexpr bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}
constexpr bool is_blank(char c) noexcept {
    return c == ' ' || c == '\t';
}
constexpr char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}
constexpr bool all(std::string_view text, std::uint8_t bit) noexcept {
    for (const char c : text) {
        if (!is(c, bit)) return false;
    }
    return true;
}
/// RFC 9110 section 5.6.2.
constexpr bool is_token(std::string_view text) noexcept {
    return !text.empty() && all(text, token_bit);
}
constexpr std::string_view trim(std::string_view text) noexcept {
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}
/// Takes the next element of a comma-separated list off its front, trimmed. Empty elements are
/// skipped (RFC 9110 section 5.6.1), so an empty result means that nothing was left.
constexpr std::string_view take_item(std::string_view& list) noexcept {
    while (!list.empty() && (list.front() == ',' || is_blank(list.front()))) list.remove_prefix(1);
    const std::string_view item = list.substr(0, list.find(','));
    list.remove_prefix(item.size());
    return trim(item);
}

}  // namespace weft::http::syntax
