// How lines of the log are written. What a peer sends may be in them, so no byte of it can end a
// line, steer a terminal or reorder what is read there; and lines are UTF-8.

#include "base/log_line.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

#include <weft/base/utf8.hpp>

namespace weft {
namespace {

/// The length of the character at the start: 0 for one that may not stand in a line.
std::size_t printable_length(std::string_view text) noexcept {
    const auto lead = static_cast<unsigned char>(text[0]);
    if (lead < 0x80) return lead < 0x20 || lead == 0x7F ? 0 : 1;
    const std::size_t size = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    const std::string_view one = text.substr(0, size);
    if (one.size() < size || !validate_utf8(as_bytes(one))) return 0;
    const bool c1_control = lead == 0xC2 && one < "\xC2\xA0";
    const bool breaks_line = one == "\u2028" || one == "\u2029";
    const bool reorders =
        (one >= "\u202A" && one <= "\u202E") || (one >= "\u2066" && one <= "\u2069");
    return c1_control || breaks_line || reorders ? 0 : size;
}

}  // namespace

void append_printable(std::string& out, std::string_view text, std::size_t most) {
    std::size_t at = 0;
    while (at < text.size()) {
        const std::size_t size = printable_length(text.substr(at));
        if (std::max<std::size_t>(size, 1) > most - at) break;
        if (size == 0)
            out += '?';
        else
            out += text.substr(at, size);
        at += std::max<std::size_t>(size, 1);
    }
    if (at < text.size()) out += "...";
}

void append_path(std::string& out, std::string_view path, std::size_t most) {
    append_printable(out, path.substr(0, path.find('?')), most);
}

std::string log_line(const log_record& record, std::chrono::system_clock::time_point when) {
    namespace ch = std::chrono;
    constexpr std::array<std::string_view, 4> levels{"debug", "info", "warning", "error"};
    const auto day = ch::floor<ch::days>(when);
    const ch::year_month_day date(day);
    const ch::hh_mm_ss time(ch::floor<ch::milliseconds>(when - day));
    std::array<char, 40> stamp;
    const int size = std::snprintf(
        stamp.data(), stamp.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ ",
        static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
        static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
        static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()),
        static_cast<int>(time.subseconds().count()));
    std::string line(stamp.data(), static_cast<std::size_t>(size));
    line.append(levels[static_cast<std::size_t>(record.level)])
        .append(" ")
        .append(record.layer)
        .append(": ");
    append_printable(line, record.message, record.message.size());
    line.push_back('\n');
    return line;
}

}  // namespace weft
