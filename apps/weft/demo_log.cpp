// The page is public where the demo is, so it gets the lines about itself only, and no visitor sees
// the address of another one. What is kept is bounded: `most_lines` of the length that the library
// gives its lines.

#include "demo_log.hpp"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

namespace weft {
namespace {

bool is_of_the_page(std::string_view text) noexcept {
    constexpr std::array<std::string_view, 2> marks{"/security/", "Origin"};
    return std::any_of(marks.begin(), marks.end(), [&](std::string_view mark) {
        return text.find(mark) != std::string_view::npos;
    });
}

/// `..., from ADDRESS, at ROUTE`: without the address, unless it is of this machine.
std::string without_address(std::string_view text) {
    constexpr std::string_view mark = ", from ";
    const std::size_t found = text.rfind(mark);
    if (found == std::string_view::npos) return std::string(text);
    const std::string_view rest = text.substr(found + mark.size());
    if (rest.starts_with("127.") || rest.starts_with("[::1]")) return std::string(text);
    const std::size_t end = std::min(rest.find_first_of(", "), rest.size());
    return std::string(text.substr(0, found)).append(", from elsewhere").append(rest.substr(end));
}

constexpr std::string_view name_of(log_level level) noexcept {
    switch (level) {
        case log_level::debug: return "debug";
        case log_level::info: return "info";
        case log_level::warning: return "warning";
        case log_level::error: return "error";
    }
    return "";
}

}  // namespace

void demo_log::write(const log_record& record) noexcept {
    if (errors_.wants(record.level)) errors_.write(record);
    if (!is_of_the_page(record.message)) return;
    try {
        line made{record.level, std::string(record.layer), without_address(record.message)};
        const std::lock_guard lock(mutex_);
        if (lines_.size() == most_lines) lines_.pop_front();
        lines_.push_back(std::move(made));
    } catch (...) {  // no memory for a line
    }
}

void demo_log::write_lines(json_writer& json) const {
    const std::lock_guard lock(mutex_);
    json.begin_array();
    for (const line& each : lines_) {
        json.begin_object();
        json.member("level", name_of(each.level));
        json.member("layer", each.layer);
        json.member("text", each.text);
        json.end_object();
    }
    json.end_array();
}

}  // namespace weft
