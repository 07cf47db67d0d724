// `traceparent`. Malformed ones are as good as none: a header of the peer must not make a request
// fail, and nothing but hexadecimal digits of it gets into a log.

#include <weft/http/trace_context.hpp>

#include <algorithm>

namespace weft::http {
namespace {

bool is_hex(std::string_view text) noexcept {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool is_id(std::string_view text) noexcept {
    return is_hex(text) && text.find_first_not_of('0') != std::string_view::npos;
}

}  // namespace

std::optional<trace_context> trace_context::parse(std::string_view text) noexcept {
    constexpr std::size_t length = 55;
    if (text.size() != length || text[2] != '-' || text[35] != '-' || text[52] != '-') return {};
    const std::string_view version = text.substr(0, 2);
    const std::string_view flags = text.substr(53);
    trace_context found{text.substr(3, 32), text.substr(36, 16), false};
    if (!is_hex(version) || version == "ff" || !is_hex(flags)) return {};
    if (!is_id(found.trace_id) || !is_id(found.parent_id)) return {};
    const char low = flags[1];
    found.sampled = ((low <= '9' ? low - '0' : low - 'a' + 10) & 1) != 0;
    return found;
}

std::string trace_context::to_header(std::string_view span_id) const {
    std::string out("00-");
    return out.append(trace_id).append("-").append(span_id).append(sampled ? "-01" : "-00");
}

}  // namespace weft::http
