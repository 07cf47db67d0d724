// Numbers as they are written, whatever their size. A double would call 9007199254740993 and
// 9007199254740992 the same, and 0.3 no multiple of 0.1.
// Invariant: neither the first nor the last of the digits is zero, so equal numbers have equal
// digits and exponents. Everything is linear in the text; no digits are made that are not in it,
// but for the zeros of integers of 40 digits.

#include "schema/decimal.hpp"

#include <algorithm>

namespace weft::json_schema {
namespace {

using wide = unsigned __int128;

constexpr std::int64_t exponent_cap = 1'000'000'000'000'000;

bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

/// The digits of a number one by one, and zeros after the last.
class digit_source {
public:
    explicit digit_source(const decimal& number) noexcept
        : cursor_(number.text.data()), left_(number.places) {}

    char next() noexcept {
        if (left_ == 0) return '0';
        --left_;
        if (*cursor_ == '.') ++cursor_;
        return *cursor_++;
    }

private:
    const char* cursor_;
    std::int64_t left_;
};

wide power_of_ten(std::int64_t exponent) noexcept {
    wide power = 1;
    for (; exponent > 0; --exponent) power *= 10;
    return power;
}

std::strong_ordering compare_magnitude(const decimal& a, const decimal& b) noexcept {
    if (a.zero() || b.zero()) return b.zero() <=> a.zero();
    const std::int64_t size_a = a.places + a.exponent;
    const std::int64_t size_b = b.places + b.exponent;
    if (size_a != size_b) return size_a <=> size_b;
    if (a.exact() && b.exact()) {  // at most 19 digits and 18 zeros: less than 2^127
        const std::int64_t places = std::max(a.places, b.places);
        return a.digits * power_of_ten(places - a.places) <=>
               b.digits * power_of_ten(places - b.places);
    }
    digit_source left(a);
    digit_source right(b);
    for (std::int64_t i = std::max(a.places, b.places); i > 0; --i) {
        if (const auto order = left.next() <=> right.next(); order != 0) return order;
    }
    return std::strong_ordering::equal;
}

/// 10^exponent modulo `modulus`.
std::uint64_t power_of_ten_modulo(std::uint64_t exponent, std::uint64_t modulus) noexcept {
    wide power = 1 % modulus;
    wide base = 10 % modulus;
    for (; exponent != 0; exponent >>= 1U) {
        if ((exponent & 1U) != 0) power = power * base % modulus;
        base = base * base % modulus;
    }
    return static_cast<std::uint64_t>(power);
}

std::uint64_t digits_modulo(const decimal& number, std::uint64_t modulus) noexcept {
    if (number.exact()) return number.digits % modulus;
    digit_source source(number);
    wide rest = 0;
    for (std::int64_t i = number.places; i > 0; --i) {
        rest = (rest * 10 + static_cast<unsigned>(source.next() - '0')) % modulus;
    }
    return static_cast<std::uint64_t>(rest);
}

}  // namespace

decimal read_decimal(std::string_view number) noexcept {
    decimal result;
    const char* cursor = number.data();
    const char* const end = cursor + number.size();
    if (*cursor == '-') {
        result.negative = true;
        ++cursor;
    }
    const char* first = nullptr;
    const char* last = cursor;
    std::int64_t fraction = 0;
    std::int64_t zeros = 0;  // seen, and perhaps the last digits
    bool behind_point = false;
    for (; cursor != end && (*cursor | 0x20) != 'e'; ++cursor) {
        if (*cursor == '.') {
            behind_point = true;
            continue;
        }
        if (behind_point) ++fraction;
        if (*cursor == '0') {
            if (first != nullptr) ++zeros;
            continue;
        }
        if (first == nullptr) first = cursor;
        last = cursor + 1;
        result.places += zeros + 1;
        if (result.exact()) {
            for (; zeros != 0; --zeros) result.digits *= 10;
            result.digits = result.digits * 10 + static_cast<unsigned>(*cursor - '0');
        }
        zeros = 0;
    }
    if (first == nullptr) return {};
    result.text = {first, static_cast<std::size_t>(last - first)};
    std::int64_t power = 0;
    if (cursor != end) {
        ++cursor;
        const bool minus = *cursor == '-';
        if (!is_digit(*cursor)) ++cursor;
        for (; cursor != end; ++cursor) {
            if (power < exponent_cap) power = power * 10 + (*cursor - '0');
        }
        if (minus) power = -power;
    }
    result.exponent = power - fraction + zeros;
    return result;
}

std::strong_ordering compare(const decimal& a, const decimal& b) noexcept {
    if (a.negative != b.negative) return b.negative <=> a.negative;
    return a.negative ? compare_magnitude(b, a) : compare_magnitude(a, b);
}

bool is_multiple(const decimal& value, const decimal& divisor) noexcept {
    if (value.zero()) return true;
    // The last digit of the value is not zero: it cannot be a multiple of a power of ten above.
    if (value.exponent < divisor.exponent) return false;
    const wide rest = digits_modulo(value, divisor.digits);
    const auto shift = static_cast<std::uint64_t>(value.exponent - divisor.exponent);
    return rest * power_of_ten_modulo(shift, divisor.digits) % divisor.digits == 0;
}

void append_canonical(std::string& out, const decimal& number) {
    if (number.zero()) {
        out += '0';
        return;
    }
    if (number.negative) out += '-';
    digit_source source(number);
    const auto plain_limit = static_cast<std::int64_t>(max_plain_integer);
    if (number.exponent >= 0 && number.places + number.exponent <= plain_limit) {
        for (std::int64_t i = number.places + number.exponent; i > 0; --i) out += source.next();
        return;
    }
    for (std::int64_t i = number.places; i > 0; --i) out += source.next();
    out += 'e';
    out += std::to_string(number.exponent);
}

}  // namespace weft::json_schema
