// The formats of draft-07 that Weft asserts, each a linear function without regular expressions:
// RFC 3339 (dates and times), RFC 5321 with dot-atoms (email), RFC 3986 (uri), RFC 4122 (uuid),
// RFC 2673 and RFC 4291 (addresses).
// Invariant: a cursor takes bytes from the front and never puts one back.

#include "schema/formats.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

#include "base/hex.hpp"

namespace weft::json_schema {
namespace {

bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}
bool is_letter(char c) noexcept {
    return static_cast<unsigned char>((c | 0x20) - 'a') < 26;
}
bool is_hex(char c) noexcept {
    return hex_value(c) >= 0;
}
bool is_one_of(char c, std::string_view set) noexcept {
    return set.find(c) != std::string_view::npos;
}

/// What is left of a text.
class cursor {
public:
    explicit cursor(std::string_view text) noexcept : rest_(text) {}

    [[nodiscard]] bool done() const noexcept { return rest_.empty(); }
    [[nodiscard]] char peek() const noexcept { return rest_.empty() ? '\0' : rest_.front(); }
    bool take(char c) noexcept {
        if (peek() != c || done()) return false;
        rest_.remove_prefix(1);
        return true;
    }
    bool take_any(std::string_view set) noexcept {
        return !done() && is_one_of(peek(), set) && take(peek());
    }
    /// A number of exactly that many digits; -1 if there is none.
    int number(std::size_t digits) noexcept {
        if (rest_.size() < digits) return -1;
        int value = 0;
        for (std::size_t i = 0; i < digits; ++i) {
            if (!is_digit(rest_[i])) return -1;
            value = value * 10 + (rest_[i] - '0');
        }
        rest_.remove_prefix(digits);
        return value;
    }
    template <class Predicate>
    std::string_view take_while(Predicate matches) noexcept {
        std::size_t size = 0;
        while (size < rest_.size() && matches(rest_[size])) ++size;
        const auto taken = rest_.substr(0, size);
        rest_.remove_prefix(size);
        return taken;
    }

private:
    std::string_view rest_;
};

// ---- RFC 3339 ----

bool take_date(cursor& text) noexcept {
    constexpr int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const int year = text.number(4);
    if (year < 0 || !text.take('-')) return false;
    const int month = text.number(2);
    if (month < 1 || month > 12 || !text.take('-')) return false;
    const int day = text.number(2);
    const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return day >= 1 && day <= days[month - 1] + (month == 2 && leap ? 1 : 0);
}

bool take_time(cursor& text) noexcept {
    const int hour = text.number(2);
    if (hour < 0 || hour > 23 || !text.take(':')) return false;
    const int minute = text.number(2);
    if (minute < 0 || minute > 59 || !text.take(':')) return false;
    const int second = text.number(2);
    if (second < 0 || second > 60) return false;
    if (text.take('.') && text.take_while(is_digit).empty()) return false;

    int offset = 0;  // minutes east
    if (!text.take_any("zZ")) {
        const bool west = text.peek() == '-';
        if (!text.take_any("+-")) return false;
        const int hours = text.number(2);
        if (hours < 0 || hours > 23 || !text.take(':')) return false;
        const int minutes = text.number(2);
        if (minutes < 0 || minutes > 59) return false;
        offset = (hours * 60 + minutes) * (west ? -1 : 1);
    }
    constexpr int day = 24 * 60;  // a leap second is the last of a day in UTC
    return second < 60 || (hour * 60 + minute - offset + 2 * day) % day == day - 1;
}

bool is_date(std::string_view text) noexcept {
    cursor c(text);
    return take_date(c) && c.done();
}
bool is_time(std::string_view text) noexcept {
    cursor c(text);
    return take_time(c) && c.done();
}
bool is_date_time(std::string_view text) noexcept {
    cursor c(text);
    return take_date(c) && c.take_any("tT") && take_time(c) && c.done();
}

// ---- Addresses ----

bool is_ipv4(std::string_view text) noexcept {
    cursor c(text);
    for (int part = 0; part < 4; ++part) {
        if (part != 0 && !c.take('.')) return false;
        const auto digits = c.take_while(is_digit);
        if (digits.empty() || digits.size() > 3) return false;
        if (digits.size() > 1 && digits.front() == '0') return false;  // some read it as octal
        int value = 0;
        for (const char d : digits) value = value * 10 + (d - '0');
        if (value > 255) return false;
    }
    return c.done();
}

bool is_ipv6(std::string_view text) noexcept {
    int groups = 0;
    bool gap = false;
    if (text.starts_with("::")) {
        gap = true;
        text.remove_prefix(2);
        if (text.empty()) return true;
    }
    while (true) {
        std::size_t size = 0;
        while (size < text.size() && is_hex(text[size])) ++size;
        if (size < text.size() && text[size] == '.') {
            groups += 2;
            if (!is_ipv4(text)) return false;
            break;
        }
        if (size == 0 || size > 4) return false;
        ++groups;
        text.remove_prefix(size);
        if (text.empty()) break;
        if (text.front() != ':') return false;
        text.remove_prefix(1);
        if (text.starts_with(':')) {
            if (gap) return false;
            gap = true;
            text.remove_prefix(1);
            if (text.empty()) break;
        }
        if (groups > 8) return false;
    }
    return gap ? groups < 8 : groups == 8;
}

bool is_uuid(std::string_view text) noexcept {
    if (text.size() != 36) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text[i] != '-' : !is_hex(text[i])) return false;
    }
    return true;
}

// ---- RFC 5321 ----

/// Labels of letters, digits and inner hyphens, of at most 63 bytes.
bool is_host_name(std::string_view text) noexcept {
    if (text.empty() || text.size() > 253) return false;
    while (true) {
        const auto label = text.substr(0, text.find('.'));
        const bool fine = std::all_of(label.begin(), label.end(), [](char c) {
            return is_digit(c) || is_letter(c) || c == '-';
        });
        if (!fine || label.empty() || label.size() > 63) return false;
        if (label.front() == '-' || label.back() == '-') return false;
        if (label.size() == text.size()) return true;
        text.remove_prefix(label.size() + 1);
    }
}

bool is_address_literal(std::string_view text) noexcept {
    if (!text.starts_with('[') || !text.ends_with(']')) return false;
    text = text.substr(1, text.size() - 2);
    constexpr std::string_view tag = "IPv6:";
    return text.starts_with(tag) ? is_ipv6(text.substr(tag.size())) : is_ipv4(text);
}

bool is_dot_atom(std::string_view text) noexcept {
    char before = '.';
    for (const char c : text) {
        const bool atom = is_digit(c) || is_letter(c) || is_one_of(c, "!#$%&'*+-/=?^_`{|}~");
        if (!atom && (c != '.' || before == '.')) return false;
        before = c;
    }
    return before != '.';
}

bool is_quoted(std::string_view text) noexcept {
    if (text.size() < 2 || text.front() != '"' || text.back() != '"') return false;
    text = text.substr(1, text.size() - 2);
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '"' || (text[i] == '\\' && ++i == text.size())) return false;
        if (text[i] < ' ' || text[i] > '~') return false;
    }
    return true;
}

bool is_email(std::string_view text) noexcept {
    const auto at = text.rfind('@');
    if (at == std::string_view::npos || at > 64) return false;
    const auto local = text.substr(0, at);
    const auto host = text.substr(at + 1);
    return (is_dot_atom(local) || is_quoted(local)) &&
           (is_host_name(host) || is_address_literal(host));
}

// ---- RFC 3986 ----

constexpr auto uri_characters = [] {
    // 1: in a path; 2: in the user's part; 4: in a host's name; 8: in a query or fragment.
    std::array<unsigned char, 256> table{};
    const auto allow = [&](std::string_view set, unsigned char where) {
        for (const char c : set) table[static_cast<unsigned char>(c)] |= where;
    };
    allow("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~", 15);
    allow("!$&'()*+,;=", 15);
    allow(":", 1 | 2 | 8);
    allow("@", 1 | 8);
    allow("/", 1 | 8);
    allow("?", 8);
    return table;
}();

bool consists_of(std::string_view text, unsigned char where) noexcept {
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%') {
            if (text.size() - i < 3 || !is_hex(text[i + 1]) || !is_hex(text[i + 2])) return false;
            i += 2;
        } else if ((uri_characters[static_cast<unsigned char>(text[i])] & where) == 0) {
            return false;
        }
    }
    return true;
}

/// Behind "[" and before "]": an IPv6 address, or `v` and a version with something behind a point.
bool is_ip_literal(std::string_view text) noexcept {
    if (!text.starts_with('v') && !text.starts_with('V')) return is_ipv6(text);
    const auto point = text.find('.');
    if (point == std::string_view::npos || point < 2 || point + 1 == text.size()) return false;
    const auto version = text.substr(1, point - 1);
    const auto rest = text.substr(point + 1);
    return std::all_of(version.begin(), version.end(), is_hex) &&
           rest.find('%') == std::string_view::npos && consists_of(rest, 2);
}

bool is_authority(std::string_view text) noexcept {
    if (const auto at = text.find('@'); at != std::string_view::npos) {
        if (!consists_of(text.substr(0, at), 2)) return false;
        text.remove_prefix(at + 1);
    }
    if (text.starts_with('[')) {
        const auto end = text.find(']');
        if (end == std::string_view::npos || !is_ip_literal(text.substr(1, end - 1))) return false;
        text.remove_prefix(end + 1);
        if (!text.empty() && text.front() != ':') return false;
    } else {
        const auto colon = std::min(text.find(':'), text.size());
        if (!consists_of(text.substr(0, colon), 4)) return false;
        text.remove_prefix(colon);
    }
    return std::all_of(text.begin() + (text.empty() ? 0 : 1), text.end(), is_digit);  // the port
}

bool is_uri(std::string_view text) noexcept {
    const auto colon = text.find(':');
    if (colon == std::string_view::npos || colon == 0 || !is_letter(text.front())) return false;
    const bool scheme =
        std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(colon),
                    [](char c) { return is_letter(c) || is_digit(c) || is_one_of(c, "+-."); });
    if (!scheme) return false;
    text.remove_prefix(colon + 1);
    if (const auto hash = text.find('#'); hash != std::string_view::npos) {
        if (!consists_of(text.substr(hash + 1), 8)) return false;
        text = text.substr(0, hash);
    }
    if (const auto mark = text.find('?'); mark != std::string_view::npos) {
        if (!consists_of(text.substr(mark + 1), 8)) return false;
        text = text.substr(0, mark);
    }
    if (text.starts_with("//")) {
        text.remove_prefix(2);
        const auto slash = std::min(text.find('/'), text.size());
        if (!is_authority(text.substr(0, slash))) return false;
        text.remove_prefix(slash);
    }
    return consists_of(text, 1);
}

struct entry {
    std::string_view name;
    format what;
};
constexpr entry known[] = {
    {"date-time", format::date_time}, {"date", format::date}, {"time", format::time},
    {"email", format::email},         {"uri", format::uri},   {"uuid", format::uuid},
    {"ipv4", format::ipv4},           {"ipv6", format::ipv6},
};

}  // namespace

std::optional<format> find_format(std::string_view name) noexcept {
    for (const entry& e : known) {
        if (e.name == name) return e.what;
    }
    return std::nullopt;
}

bool has_format(format what, std::string_view text) noexcept {
    switch (what) {
        case format::date_time: return is_date_time(text);
        case format::date: return is_date(text);
        case format::time: return is_time(text);
        case format::email: return is_email(text);
        case format::uri: return is_uri(text);
        case format::uuid: return is_uuid(text);
        case format::ipv4: return is_ipv4(text);
        case format::ipv6: return is_ipv6(text);
    }
    return false;
}

}  // namespace weft::json_schema
