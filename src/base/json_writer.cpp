// Writes JSON strings and numbers. Strings are copied in runs: the scan finds the next byte that
// JSON must escape (quote, backslash, below 0x20), everything before it is appended at once.
// Invariant: whatever UTF-8 text comes in, a JSON reader gets exactly that text back.

#include <weft/base/json_writer.hpp>

#include <bit>
#include <cmath>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace weft {
namespace {

bool must_escape(char c) noexcept {
    return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\';
}

/// The position of the first byte at or after `from` that must be escaped, or the size.
std::size_t find_special(std::string_view text, std::size_t from) noexcept {
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"');
    const __m128i backslash = _mm_set1_epi8('\\');
    const __m128i last_control = _mm_set1_epi8(0x1f);
    for (; text.size() - from >= 16; from += 16) {
        const __m128i chunk = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + from));
        // max(x, 0x1f) == 0x1f exactly for the unsigned bytes up to 0x1f.
        const __m128i control = _mm_cmpeq_epi8(_mm_max_epu8(chunk, last_control), last_control);
        const __m128i special = _mm_or_si128(
            control, _mm_or_si128(_mm_cmpeq_epi8(chunk, quote), _mm_cmpeq_epi8(chunk, backslash)));
        const auto mask = static_cast<unsigned>(_mm_movemask_epi8(special));
        if (mask != 0) return from + static_cast<std::size_t>(std::countr_zero(mask));
    }
#endif
    while (from < text.size() && !must_escape(text[from])) ++from;
    return from;
}

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
    std::size_t done = 0;
    while (true) {
        const std::size_t special = find_special(text, done);
        out.append(text, done, special - done);
        if (special == text.size()) break;
        append_escape(out, text[special]);
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
