// Writing heads and dates. Nothing that is not checked for CR and LF reaches the wire from here:
// the one way in without a check is `lines`, whose callers checked before.

#include "http/proto/head_writer.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

#include <weft/http/error.hpp>

#include "http/proto/syntax.hpp"

namespace weft::http {
namespace {

constexpr std::string_view days = "SunMonTueWedThuFriSat";
constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";

// The number in `text` at `offset`, `size` digits long; -1 when there are others.
int digits(std::string_view text, std::size_t offset, std::size_t size) noexcept {
    int value = 0;
    for (const char c : text.substr(offset, size)) {
        if (!syntax::is_digit(c)) return -1;
        value = value * 10 + (c - '0');
    }
    return value;
}

void put_digits(char* out, int value, int size) noexcept {
    for (int i = size - 1; i >= 0; --i, value /= 10) out[i] = static_cast<char>('0' + value % 10);
}

// Where a three-letter name stands in a list of such names; -1 when it does not.
int name_index(std::string_view names, std::string_view name) noexcept {
    for (std::size_t i = 0; i < names.size(); i += 3) {
        if (names.substr(i, 3) == name) return static_cast<int>(i / 3);
    }
    return -1;
}

}  // namespace

void head_writer::status_line(int status) noexcept {
    std::array<char, 4> code{'0', '0', '0', ' '};
    put_digits(code.data(), status, 3);
    append("HTTP/1.1 ");
    append({code.data(), code.size()});
    append(reason_of(status));
    append("\r\n");
}

void head_writer::field(std::string_view name, std::string_view value) noexcept {
    if (!is_field_name(name) || !is_field_value(value)) {
        failed_ = true;
        return;
    }
    append(name);
    append(": ");
    append(value);
    append("\r\n");
}

void head_writer::field(std::string_view name, std::uint64_t value) noexcept {
    std::array<char, 20> text;
    const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
    field(name, std::string_view{text.data(), static_cast<std::size_t>(end - text.data())});
}

std::optional<std::string_view> head_writer::finish() noexcept {
    append("\r\n");
    if (failed_) return {};
    return std::string_view{out_.data(), size_};
}

void head_writer::append(std::string_view text) noexcept {
    if (failed_ || text.size() > out_.size() - size_) {
        failed_ = true;
        return;
    }
    text.copy(out_.data() + size_, text.size());
    size_ += text.size();
}

bool is_field_name(std::string_view name) noexcept {
    return syntax::is_token(name);
}

bool is_field_value(std::string_view value) noexcept {
    return syntax::all(value, syntax::value_bit);
}

std::array<char, 29> http_date(std::time_t when) noexcept {
    std::tm t{};
    ::gmtime_r(&when, &t);
    std::array<char, 29> out;
    std::memcpy(out.data(), "Day, 00 Mon 0000 00:00:00 GMT", out.size());
    std::memcpy(out.data(), days.data() + 3 * t.tm_wday, 3);
    put_digits(&out[5], t.tm_mday, 2);
    std::memcpy(&out[8], months.data() + 3 * t.tm_mon, 3);
    put_digits(&out[12], t.tm_year + 1900, 4);
    put_digits(&out[17], t.tm_hour, 2);
    put_digits(&out[20], t.tm_min, 2);
    put_digits(&out[23], t.tm_sec, 2);
    return out;
}

std::optional<std::time_t> parse_http_date(std::string_view text) noexcept {
    if (text.size() != 29) return {};
    std::tm t{};
    t.tm_mday = digits(text, 5, 2);
    t.tm_mon = name_index(months, text.substr(8, 3));
    const int year = digits(text, 12, 4);
    t.tm_hour = digits(text, 17, 2);
    t.tm_min = digits(text, 20, 2);
    t.tm_sec = digits(text, 23, 2);
    if (t.tm_mday < 1 || t.tm_mon < 0 || year < 1900 || t.tm_hour < 0 || t.tm_min < 0 ||
        t.tm_sec < 0) {
        return {};
    }
    t.tm_year = year - 1900;
    const std::time_t when = ::timegm(&t);
    // Whatever was normalised or misspelt does not come out as it went in.
    const auto again = http_date(when);
    if (!std::equal(again.begin(), again.end(), text.begin())) return {};
    return when;
}

}  // namespace weft::http
