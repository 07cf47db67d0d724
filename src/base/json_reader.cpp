// Reads JSON. One cursor moves forward and never past `end_`; nothing recurses: `skip` keeps the
// kinds of the open containers in an array of `max_depth` entries.
// Invariant: after the first error `error_` is set, the cursor stays where the error is, and every
// reading function returns false. Whatever a pull of values accepts, `skip` accepts, and the other
// way round, except numbers that do not fit the type asked for.

#include <weft/base/json_reader.hpp>

#include <array>
#include <charconv>
#include <cstring>
#include <system_error>
#include <utility>

#include "base/hex.hpp"
#include "base/json_scan.hpp"

namespace weft {
namespace {

/// One comparison for what is no white space.
bool is_space(char c) noexcept {
    return static_cast<unsigned char>(c) <= ' ' &&
           (c == ' ' || c == '\n' || c == '\r' || c == '\t');
}

/// The kind of value that begins with a character. A table: kinds alternate, so a jump would be
/// predicted badly.
constexpr auto kinds = [] {
    std::array<json_kind, 256> table{};
    table.fill(json_kind::none);
    table['"'] = json_kind::string;
    table['{'] = json_kind::object;
    table['['] = json_kind::array;
    table['t'] = table['f'] = json_kind::boolean;
    table['n'] = json_kind::null;
    table['-'] = json_kind::number;
    for (std::size_t digit = '0'; digit <= '9'; ++digit) table[digit] = json_kind::number;
    return table;
}();

bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

/// Four digits that were validated.
unsigned code_unit(const char* digits) noexcept {
    unsigned unit = 0;
    for (int i = 0; i < 4; ++i) unit = unit << 4 | static_cast<unsigned>(hex_value(digits[i]));
    return unit;
}

void append_utf8(std::string& out, unsigned code_point) {
    const auto byte = [](unsigned lead, unsigned bits) { return static_cast<char>(lead | bits); };
    const auto tail = [&](unsigned shift) { return byte(0x80, code_point >> shift & 0x3f); };
    if (code_point < 0x80) {
        out += byte(0, code_point);
    } else if (code_point < 0x800) {
        out += byte(0xc0, code_point >> 6);
        out += tail(0);
    } else if (code_point < 0x10000) {
        out += byte(0xe0, code_point >> 12);
        out += tail(6);
        out += tail(0);
    } else {
        out += byte(0xf0, code_point >> 18);
        out += tail(12);
        out += tail(6);
        out += tail(0);
    }
}

char simple_escape(char c) noexcept {
    switch (c) {
        case 'b': return '\b';
        case 'f': return '\f';
        case 'n': return '\n';
        case 'r': return '\r';
        case 't': return '\t';
        default: return c;  // the quote, the backslash, the slash
    }
}

/// A number as digits times a power of ten, exactly, and without zeros at the end of the digits.
struct decimal {
    bool negative = false;
    bool overflow = false;  // the digits alone exceed 64 bits
    std::uint64_t digits = 0;
    std::int64_t exponent = 0;
    std::int64_t places = 0;  // digits from the first that is not zero, before and behind the point
};

constexpr std::int64_t exponent_cap = 1'000'000'000'000'000;

/// Takes a validated number apart.
decimal take_apart(const char* cursor, const char* end) noexcept {
    decimal number;
    if (*cursor == '-') {
        number.negative = true;
        ++cursor;
    }
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
            if (number.places != 0) ++zeros;
            continue;
        }
        for (std::int64_t i = 0; i <= zeros && !number.overflow; ++i) {
            number.overflow = __builtin_mul_overflow(number.digits, 10U, &number.digits);
        }
        number.overflow |= __builtin_add_overflow(
            number.digits, static_cast<std::uint64_t>(*cursor - '0'), &number.digits);
        number.places += zeros + 1;
        zeros = 0;
    }
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
    number.exponent = power - fraction + zeros;
    return number;
}

}  // namespace

std::string_view describe(json_errc why) noexcept {
    switch (why) {
        case json_errc::ok: return "no error";
        case json_errc::unexpected_end: return "unexpected end";
        case json_errc::unexpected_character: return "unexpected character";
        case json_errc::bad_escape: return "unknown escape";
        case json_errc::control_character: return "control character in a string";
        case json_errc::bad_number: return "malformed number";
        case json_errc::too_deep: return "nested too deep";
        case json_errc::wrong_kind: return "another kind of value";
        case json_errc::not_integral: return "not an integer";
        case json_errc::out_of_range: return "out of range";
    }
    return "unknown error";
}

/// The arrays and objects that `skip` is inside of.
class json_reader::containers {
public:
    explicit containers(std::size_t limit) noexcept : limit_(limit) {}

    [[nodiscard]] bool none() const noexcept { return size_ == 0; }
    [[nodiscard]] bool in_object() const noexcept { return size_ != 0 && objects_[size_ - 1]; }
    [[nodiscard]] char closing_bracket() const noexcept { return in_object() ? '}' : ']'; }
    [[nodiscard]] bool open(bool object) noexcept {
        if (size_ == limit_) return false;
        objects_[size_++] = object;
        return true;
    }
    void close() noexcept { --size_; }

private:
    std::size_t limit_;
    std::size_t size_ = 0;
    bool objects_[max_depth];
};

bool json_reader::fail(json_errc why) noexcept {
    if (error_ == json_errc::ok) {
        error_ = why == json_errc::unexpected_character && cursor_ == end_
                     ? json_errc::unexpected_end
                     : why;
    }
    return false;
}

char json_reader::next_behind_space() noexcept {
    while (cursor_ != end_ && is_space(*cursor_)) ++cursor_;
    return cursor_ != end_ && error_ == json_errc::ok ? *cursor_ : '\0';
}

namespace {

/// Compares texts that are short. **Cost**: two words where std::memcmp is a call; see
/// order_of_ten_rules in bench/micro/schema_bench.cpp.
bool same_bytes(const char* a, const char* b, std::size_t size) noexcept {
    const auto word = [](const char* from) {
        std::uint64_t bytes;
        std::memcpy(&bytes, from, 8);
        return bytes;
    };
    const auto half = [](const char* from) {
        std::uint32_t bytes;
        std::memcpy(&bytes, from, 4);
        return bytes;
    };
    if (size > 16 || size < 4) return std::memcmp(a, b, size) == 0;
    if (size >= 8) {
        return ((word(a) ^ word(b)) | (word(a + size - 8) ^ word(b + size - 8))) == 0;
    }
    return ((half(a) ^ half(b)) | (half(a + size - 4) ^ half(b + size - 4))) == 0;
}

}  // namespace

bool json_reader::expect(char c) noexcept {
    if (next() != c) return fail(json_errc::unexpected_character);
    ++cursor_;
    return true;
}

json_kind json_reader::peek() noexcept {
    return kinds[static_cast<unsigned char>(next())];
}

bool json_reader::expect_kind(json_kind kind) noexcept {
    const json_kind found = peek();
    if (found == kind) {
        first_ = false;
        return true;
    }
    return fail(found == json_kind::none ? json_errc::unexpected_character : json_errc::wrong_kind);
}

bool json_reader::literal(std::string_view word) noexcept {
    const auto left = static_cast<std::size_t>(end_ - cursor_);
    if (left < word.size() || std::memcmp(cursor_, word.data(), word.size()) != 0) {
        return fail(json_errc::unexpected_character);
    }
    cursor_ += word.size();
    return true;
}

bool json_reader::read_null() noexcept {
    return expect_kind(json_kind::null) && literal("null");
}

bool json_reader::read(bool& out) noexcept {
    if (!expect_kind(json_kind::boolean)) return false;
    out = *cursor_ == 't';
    return literal(out ? "true" : "false");
}

/// RFC 8259 section 6. The cursor stands on the first character.
bool json_reader::skip_number() noexcept {
    const auto digits = [this] {
        const char* const from = cursor_;
        while (cursor_ != end_ && is_digit(*cursor_)) ++cursor_;
        return cursor_ != from || fail(json_errc::bad_number);
    };
    if (*cursor_ == '-') ++cursor_;
    if (cursor_ != end_ && *cursor_ == '0') {
        ++cursor_;
        if (cursor_ != end_ && is_digit(*cursor_)) return fail(json_errc::bad_number);
    } else if (!digits()) {
        return false;
    }
    if (cursor_ != end_ && *cursor_ == '.') {
        ++cursor_;
        if (!digits()) return false;
    }
    if (cursor_ != end_ && (*cursor_ | 0x20) == 'e') {
        ++cursor_;
        if (cursor_ != end_ && (*cursor_ == '+' || *cursor_ == '-')) ++cursor_;
        if (!digits()) return false;
    }
    return true;
}

/// An integer as sign and magnitude. Plain digits, the common case, are taken as they are.
bool json_reader::read_magnitude(std::uint64_t& out, bool& negative) noexcept {
    if (!expect_kind(json_kind::number)) return false;
    const char* const from = cursor_;
    if (!skip_number()) return false;
    const char* digits = from;
    negative = *from == '-';
    if (negative) ++digits;
    const auto plain = std::from_chars(digits, cursor_, out);
    if (plain.ptr == cursor_ && plain.ec == std::errc{}) return true;

    const char* const behind = std::exchange(cursor_, from);  // where an error is
    const decimal number = take_apart(from, behind);
    out = number.digits;
    if (number.places != 0 && number.exponent < 0) return fail(json_errc::not_integral);
    if (number.overflow) return fail(json_errc::out_of_range);
    for (std::int64_t i = 0; i < number.exponent && out != 0; ++i) {
        if (__builtin_mul_overflow(out, 10U, &out)) return fail(json_errc::out_of_range);
    }
    cursor_ = behind;
    return true;
}

bool json_reader::read_signed(std::int64_t& out, std::int64_t min, std::int64_t max) noexcept {
    const char* const before = cursor_;
    std::uint64_t magnitude = 0;
    bool negative = false;
    if (!read_magnitude(magnitude, negative)) return false;
    const auto largest =
        static_cast<std::uint64_t>(negative ? -(min + 1) : max) + (negative ? 1 : 0);
    if (magnitude > largest) {
        cursor_ = before;
        return fail(json_errc::out_of_range);
    }
    out = static_cast<std::int64_t>(negative ? 0 - magnitude : magnitude);
    return true;
}

bool json_reader::read_unsigned(std::uint64_t& out, std::uint64_t max) noexcept {
    const char* const before = cursor_;
    std::uint64_t magnitude = 0;
    bool negative = false;
    if (!read_magnitude(magnitude, negative)) return false;
    if (magnitude > max || (negative && magnitude != 0)) {
        cursor_ = before;
        return fail(json_errc::out_of_range);
    }
    out = magnitude;
    return true;
}

bool json_reader::read(double& out) noexcept {
    if (!expect_kind(json_kind::number)) return false;
    const char* const from = cursor_;
    if (!skip_number()) return false;
    const auto [ptr, ec] = std::from_chars(from, cursor_, out);
    if (ec == std::errc{}) return true;
    // Too large and too small share an error code.
    const decimal number = take_apart(from, cursor_);
    if (number.places + number.exponent > 0) {
        cursor_ = from;
        return fail(json_errc::out_of_range);
    }
    out = number.negative ? -0.0 : 0.0;
    return true;
}

/// The cursor stands on a backslash.
bool json_reader::skip_escape() noexcept {
    const char* const from = cursor_++;
    if (cursor_ == end_) return fail(json_errc::unexpected_end);
    switch (*cursor_++) {
        case '"':
        case '\\':
        case '/':
        case 'b':
        case 'f':
        case 'n':
        case 'r':
        case 't': return true;
        case 'u':
            for (int i = 0; i < 4; ++i, ++cursor_) {
                if (cursor_ == end_) return fail(json_errc::unexpected_end);
                if (hex_value(*cursor_) < 0) return fail(json_errc::bad_escape);
            }
            return true;
        default: cursor_ = from; return fail(json_errc::bad_escape);
    }
}

/// The cursor stands on the opening quote, afterwards behind the closing one.
bool json_reader::skip_string() noexcept {
    ++cursor_;
    while (true) {
        cursor_ = detail::find_json_special(cursor_, end_);
        if (cursor_ == end_) return fail(json_errc::unexpected_end);
        if (*cursor_ == '"') break;
        if (*cursor_ != '\\') return fail(json_errc::control_character);
        if (!skip_escape()) return false;
    }
    ++cursor_;
    return true;
}

/// The closing quote of a string without escapes, whose opening one the cursor stands on; else
/// null.
const char* json_reader::plain_string_end() const noexcept {
    const char* const special = detail::find_json_special(cursor_ + 1, end_);
    return special != end_ && *special == '"' ? special : nullptr;
}

/// Appends the content of a validated string.
void json_reader::unescape(std::string& out, const char* from, const char* end) const {
    while (true) {
        const auto* const escape =
            static_cast<const char*>(std::memchr(from, '\\', static_cast<std::size_t>(end - from)));
        if (escape == nullptr) break;
        out.append(from, static_cast<std::size_t>(escape - from));
        from = escape + 2;
        if (escape[1] != 'u') {
            out += simple_escape(escape[1]);
            continue;
        }
        unsigned code_point = code_unit(from);
        from += 4;
        if (code_point >= 0xd800 && code_point < 0xe000) {
            const bool paired = code_point < 0xdc00 && end - from >= 6 && from[0] == '\\' &&
                                from[1] == 'u' && (code_unit(from + 2) & 0xfc00U) == 0xdc00;
            if (paired) {
                code_point = 0x10000 + ((code_point & 0x3ff) << 10) + (code_unit(from + 2) & 0x3ff);
                from += 6;
            } else {
                code_point = 0xfffd;
            }
        }
        append_utf8(out, code_point);
    }
    out.append(from, static_cast<std::size_t>(end - from));
}

bool json_reader::read(std::string& out) {
    if (!expect_kind(json_kind::string)) return false;
    const char* const from = cursor_ + 1;
    if (const char* const quote = plain_string_end()) {
        out.assign(from, quote);
        cursor_ = quote + 1;
        return true;
    }
    if (!skip_string()) return false;
    out.clear();
    unescape(out, from, cursor_ - 1);
    return true;
}

bool json_reader::read(std::string_view& out, std::string& scratch) {
    if (!expect_kind(json_kind::string)) return false;
    const char* const from = cursor_ + 1;
    if (const char* const quote = plain_string_end()) {
        out = {from, static_cast<std::size_t>(quote - from)};
        cursor_ = quote + 1;
        return true;
    }
    if (!skip_string()) return false;
    scratch.clear();
    unescape(scratch, from, cursor_ - 1);
    out = scratch;
    return true;
}

bool json_reader::begin(char bracket) noexcept {
    if (!expect_kind(bracket == '[' ? json_kind::array : json_kind::object)) return false;
    if (depth_ == max_depth) return fail(json_errc::too_deep);
    ++cursor_;
    ++depth_;
    first_ = true;
    return true;
}

bool json_reader::next_element() noexcept {
    const char c = next();
    if (c == ']') {
        ++cursor_;
        --depth_;
        first_ = false;
        return false;
    }
    if (std::exchange(first_, false)) return ok();
    return expect(',');
}

bool json_reader::next_in_sequence() noexcept {
    if (next() == '\0' && cursor_ == end_) return false;
    if (std::exchange(first_, false)) return ok();
    return expect(',');
}

/// Moves to the quote of the next key, or leaves the object.
bool json_reader::find_key() noexcept {
    if (next() == '}') {
        ++cursor_;
        --depth_;
        first_ = false;
        return false;
    }
    if (!std::exchange(first_, false) && !expect(',')) return false;
    return next() == '"' || fail(json_errc::unexpected_character);
}

bool json_reader::next_key(std::string_view& key, std::string& scratch) {
    return find_key() && read(key, scratch) && expect(':');
}

bool json_reader::next_key_if(std::string_view quoted) noexcept {
    const char* cursor = cursor_;
    if (!first_ && (cursor == end_ || *cursor++ != ',')) return false;
    if (static_cast<std::size_t>(end_ - cursor) < quoted.size()) return false;
    if (!same_bytes(cursor, quoted.data(), quoted.size()) || !ok()) return false;
    cursor_ = cursor + quoted.size();
    first_ = false;
    return true;
}

bool json_reader::next_raw_key(std::string_view& key) noexcept {
    if (!find_key()) return false;
    const char* const from = cursor_ + 1;
    if (!skip_string()) return false;
    key = {from, static_cast<std::size_t>(cursor_ - 1 - from)};
    return expect(':');
}

/// The cursor stands on the first character.
bool json_reader::skip_scalar(char first) noexcept {
    switch (kinds[static_cast<unsigned char>(first)]) {
        case json_kind::string: return skip_string();
        case json_kind::number: return skip_number();
        case json_kind::boolean: return literal(first == 't' ? "true" : "false");
        case json_kind::null: return literal("null");
        default: return fail(json_errc::unexpected_character);
    }
}

bool json_reader::skip_key() noexcept {
    if (next() != '"') return fail(json_errc::unexpected_character);
    return skip_string() && expect(':');
}

bool json_reader::skip() noexcept {
    first_ = false;
    const char opening = next();
    return opening == '[' || opening == '{' ? skip_container() : skip_scalar(opening);
}

bool json_reader::skip_container() noexcept {
    containers open(max_depth - depth_);
    while (true) {
        // Here a member or a value begins ...
        if (open.in_object() && !skip_key()) return false;
        const char c = next();
        if (c == '[' || c == '{') {
            if (!open.open(c == '{')) return fail(json_errc::too_deep);
            ++cursor_;
            if (next() != open.closing_bracket()) continue;
        } else if (!skip_scalar(c)) {
            return false;
        }
        // ... and here one has ended.
        while (!open.none() && next() == open.closing_bracket()) {
            ++cursor_;
            open.close();
        }
        if (open.none()) return true;
        if (!expect(',')) return false;
    }
}

bool json_reader::raw(std::string_view& out) noexcept {
    static_cast<void>(next());
    const char* const from = cursor_;
    if (!skip()) return false;
    out = {from, static_cast<std::size_t>(cursor_ - from)};
    return true;
}

bool json_reader::finish() noexcept {
    static_cast<void>(next());
    return cursor_ == end_ ? ok() : fail(json_errc::unexpected_character);
}

}  // namespace weft
