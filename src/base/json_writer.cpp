// Writes JSON strings and numbers. Strings are copied in runs: the scan finds the next byte that
// JSON must escape (quote, backslash, below 0x20), everything before it is appended at once.
// Invariant: whatever UTF-8 text comes in, a JSON reader gets exactly that text back.

#include <weft/base/json_writer.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>

#include "base/json_scan.hpp"

namespace weft {
namespace {

constexpr std::size_t longest_integer = 24;

void append_escape(std::string& out, char c) {
    switch (c) {
        case '"': out += "\\\""; return;
        case '\\': out += "\\\\"; return;
        case '\b': out += "\\b"; return;
        case '\f': out += "\\f"; return;
        case '\n': out += "\\n"; return;
        case '\r': out += "\\r"; return;
        case '\t': out += "\\t"; return;
        default: break;
    }
    const auto byte = static_cast<unsigned char>(c);
    const char escape[] = {
        '\\', 'u', '0', '0', byte < 0x10 ? '0' : '1', "0123456789abcdef"[byte & 0x0f]};
    out.append(escape, sizeof escape);
}

/// Numbers with up to six decimals, which prices and coordinates are: three times as fast as the
/// general way (typed_emit in bench/micro/socketio_bench.cpp). Null when the number is none.
char* format_short(char* out, double number) noexcept {
    constexpr std::int64_t scale = 1'000'000;
    const double size = std::abs(number);
    if (size < 0.001 || size > 1e9) return nullptr;
    // Both operands are exact and the quotient is correctly rounded: if it is the number, a reader
    // gets the number from these digits.
    // NOLINTNEXTLINE(bugprone-incorrect-roundings): what it got wrong fails the comparison
    auto scaled = static_cast<std::int64_t>(size * scale + 0.5);
    if (static_cast<double>(scaled) / scale != size) return nullptr;
    if (number < 0) *out++ = '-';
    out = std::to_chars(out, out + 12, scaled / scale).ptr;
    std::int64_t fraction = scaled % scale;
    if (fraction == 0) return out;
    *out++ = '.';
    for (std::int64_t place = scale / 10; fraction != 0; place /= 10) {
        *out++ = static_cast<char>('0' + fraction / place);
        fraction %= place;
    }
    return out;
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
    constexpr std::size_t most_at_once = 62;
    if (text.size() <= most_at_once) {
        char quoted[most_at_once + 2];
        if (detail::copy_plain(quoted + 1, text.data(), text.size())) {
            quoted[0] = quoted[text.size() + 1] = '"';
            out.append(quoted, text.size() + 2);
            return;
        }
    }
    out += '"';
    const char* done = text.data();
    const char* const end = done + text.size();
    while (true) {
        const char* const special = detail::find_json_special(done, end);
        out.append(done, static_cast<std::size_t>(special - done));
        if (special == end) break;
        append_escape(out, *special);
        done = special + 1;
    }
    out += '"';
}

void json_writer::key(std::string_view name) {
    separate();
    append_json_string(out_, name);
    out_ += ':';
    comma_ = false;
}

void json_writer::value(std::string_view text) {
    separate();
    append_json_string(out_, text);
}

void json_writer::value_signed(std::int64_t number) {
    char digits[longest_integer];
    const char* const end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    token({digits, static_cast<std::size_t>(end - digits)});
}

void json_writer::value_unsigned(std::uint64_t number) {
    char digits[longest_integer];
    const char* const end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    token({digits, static_cast<std::size_t>(end - digits)});
}

void json_writer::value(double number) {
    char text[detail::max_json_number];
    const char* const end = detail::format_json_number(text, number);
    token({text, static_cast<std::size_t>(end - text)});
}

char* detail::format_json_number(char* out, double number) noexcept {
    char* const limit = out + max_json_number;
    if (!std::isfinite(number)) return std::copy_n("null", 4, out);
    if (char* const end = format_short(out, number)) return end;
    // Some readers refuse a run of digits that no 64-bit integer holds: large numbers get an
    // exponent.
    const bool large = std::abs(number) >= 0x1p53;
    return (large ? std::to_chars(out, limit, number, std::chars_format::scientific)
                  : std::to_chars(out, limit, number))
        .ptr;
}

}  // namespace weft
