// Writes JSON strings and numbers. Strings are copied in runs: the scan finds the next byte that
// JSON must escape (quote, backslash, below 0x20), everything before it is appended at once.
// Invariant: whatever UTF-8 text comes in, a JSON reader gets exactly that text back.

#include <weft/base/json_writer.hpp>

#include <cmath>

#include "base/json_scan.hpp"

namespace weft {
namespace {

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

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
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

void json_writer::value(double number) {
    if (!std::isfinite(number)) return token("null");
    // Some readers refuse a run of digits that no 64-bit integer holds: large numbers get an
    // exponent.
    const bool large = std::abs(number) >= 0x1p53;
    char digits[32];
    char* const limit = digits + sizeof digits;
    const auto written = large ? std::to_chars(digits, limit, number, std::chars_format::scientific)
                               : std::to_chars(digits, limit, number);
    token({digits, static_cast<std::size_t>(written.ptr - digits)});
}

}  // namespace weft
