// How lines of the log are written. What a peer sends may be in them, so no byte of it can end a
// line or steer a terminal.

#include "base/log_line.hpp"

#include <array>
#include <cstdio>

namespace weft {

void append_printable(std::string& out, std::string_view text, std::size_t most) {
    for (const char c : text.substr(0, most)) {
        const auto byte = static_cast<unsigned char>(c);
        out.push_back(byte < 0x20 || byte == 0x7F ? '?' : c);
    }
    if (text.size() > most) out += "...";
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
