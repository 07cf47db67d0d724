#pragma once

#include <algorithm>
#include <array>
#include <string_view>

namespace weft::ws {

namespace detail {

constexpr std::array<bool, 256> make_token_chars() noexcept {
    std::array<bool, 256> all{};
    for (const char c : std::string_view("0123456789abcdefghijklmnopqrstuvwxyz"
                                         "ABCDEFGHIJKLMNOPQRSTUVWXYZ!#$%&'*+-.^_`|~")) {
        all[static_cast<unsigned char>(c)] = true;
    }
    return all;
}

inline constexpr std::array<bool, 256> token_chars = make_token_chars();

}  // namespace detail

/// RFC 9110 section 5.6.2.
[[nodiscard]] constexpr bool is_token_char(char c) noexcept {
    return detail::token_chars[static_cast<unsigned char>(c)];
}

[[nodiscard]] constexpr bool is_token(std::string_view text) noexcept {
    return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

[[nodiscard]] constexpr char to_lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

/// Equal but for the case of ASCII letters.
[[nodiscard]] constexpr bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return to_lower(x) == to_lower(y); });
}

[[nodiscard]] constexpr bool is_space(char c) noexcept {
    return c == ' ' || c == '\t';
}

/// Without spaces and tabs at both ends.
[[nodiscard]] constexpr std::string_view trimmed(std::string_view text) noexcept {
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return text;
}

/// Takes the next element of a comma-separated list off its front, trimmed. Empty elements are
/// skipped (RFC 9110 section 5.6.1), so an empty result means that nothing was left.
[[nodiscard]] constexpr std::string_view take_element(std::string_view& list) noexcept {
    while (!list.empty() && (list.front() == ',' || is_space(list.front()))) list.remove_prefix(1);
    const std::size_t size = std::min(list.find(','), list.size());
    const std::string_view element = list.substr(0, size);
    list.remove_prefix(size);
    return trimmed(element);
}

/// Whether a comma-separated list has the token, in any case.
[[nodiscard]] constexpr bool list_has(std::string_view list, std::string_view token) noexcept {
    while (!list.empty()) {
        if (equal_ignoring_case(take_element(list), token)) return true;
    }
    return false;
}

}  // namespace weft::ws
