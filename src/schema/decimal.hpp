#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace weft::json_schema {

/// A JSON number, exactly: digits times a power of ten, without zeros at either end of the digits.
/// **Lifetime**: the text of the number must outlive it.
struct decimal {
    std::string_view text{};    // from the first digit that is not zero; may hold a point
    std::uint64_t digits = 0;   // as an integer, if there are at most `max_exact`
    std::int64_t places = 0;    // how many digits; none: the number is zero
    std::int64_t exponent = 0;  // of the last digit; cut to +-10^15
    bool negative = false;

    static constexpr std::int64_t max_exact = 19;

    [[nodiscard]] bool zero() const noexcept { return places == 0; }
    [[nodiscard]] bool exact() const noexcept { return places <= max_exact; }
    [[nodiscard]] bool integral() const noexcept { return zero() || exponent >= 0; }
};

/// Takes a valid JSON number apart.
[[nodiscard]] decimal read_decimal(std::string_view number) noexcept;

[[nodiscard]] std::strong_ordering compare(const decimal& a, const decimal& b) noexcept;

/// Whether `value` is an integer times `divisor`, which is `exact` and not zero.
[[nodiscard]] bool is_multiple(const decimal& value, const decimal& divisor) noexcept;

/// Appends the one text that all JSON numbers of this value share. Integers of up to
/// `max_plain_integer` digits are written as such.
void append_canonical(std::string& out, const decimal& number);

inline constexpr std::size_t max_plain_integer = 40;

}  // namespace weft::json_schema
