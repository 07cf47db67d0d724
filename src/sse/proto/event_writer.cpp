// Writing events. Each line of the data is a field of its own; the empty line ends the event.

#include "sse/proto/event_writer.hpp"

#include <algorithm>

namespace weft::sse {
namespace {

void append_field(std::string& out, std::string_view field, std::string_view value) {
    out.append(field).append(": ").append(value).append("\n");
}

// CR, LF and CRLF end a line.
std::string_view take_line(std::string_view& text) noexcept {
    const std::size_t end = std::min(text.find_first_of("\r\n"), text.size());
    const std::string_view line = text.substr(0, end);
    const std::size_t width = text.substr(end, 2) == "\r\n" ? 2 : 1;
    text.remove_prefix(std::min(end + width, text.size()));
    return line;
}

}  // namespace

void append_event(std::string& out, const event& what) {
    if (what.retry)
        append_field(out, "retry", std::to_string(*what.retry / std::chrono::milliseconds(1)));
    if (!what.id.empty() && what.id.find_first_of(std::string_view("\r\n\0", 3)) == what.id.npos) {
        append_field(out, "id", what.id);
    }
    if (!what.name.empty() && what.name.find_first_of("\r\n") == what.name.npos) {
        append_field(out, "event", what.name);
    }
    std::string_view rest = what.data;
    const bool ends_in_line = !rest.empty() && (rest.back() == '\n' || rest.back() == '\r');
    do append_field(out, "data", take_line(rest));
    while (!rest.empty());
    if (ends_in_line) append_field(out, "data", {});
    out += '\n';
}

}  // namespace weft::sse
