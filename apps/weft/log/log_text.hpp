#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include <weft/base/log.hpp>
#include <weft/net/access.hpp>

namespace weft {

/// How lines are written: for people, or one JSON object each.
enum class log_form { text, json };

/// What a line says, without its time and level: `line_start` goes in front, `line_end` behind.
/// Whatever a peer sent, it is one line and, as JSON, a valid object; what is long is cut.
void append_record(std::string& out, const log_record& record, log_form form);
void append_record(std::string& out, const access_record& record, log_form form);

/// `text` as it may stand in a line or in JSON: cut, with '?' for what is no character to be seen.
[[nodiscard]] std::string printable(std::string_view text, std::size_t most);

/// The level's name as it stands in a line.
[[nodiscard]] std::string_view to_string(log_level level) noexcept;

/// The beginnings of lines; a second's text is made once. **Threads**: one.
class line_start {
public:
    void append(std::string& out, std::chrono::system_clock::time_point when, log_level level,
                log_form form);

private:
    std::chrono::sys_seconds second_{};
    std::string text_;  // "2026-05-04T07:08:09."
};

[[nodiscard]] constexpr std::string_view line_end(log_form form) noexcept {
    return form == log_form::json ? "}\n" : "\n";
}

}  // namespace weft
