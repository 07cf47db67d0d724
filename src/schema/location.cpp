// Finds out, after the fact, which value a check stopped at: a check that finds nothing does not
// pay for paths.
// Invariant: at most max_pointer bytes and a mark leave here, valid UTF-8 without control
// characters, whatever the keys of the document are.

#include "schema/location.hpp"

#include <cstdint>
#include <vector>

#include "schema/program.hpp"

namespace weft::json_schema {
namespace {

constexpr std::size_t max_key = 64;
constexpr std::size_t max_pointer = 256;

/// An array or an object that the value is in.
struct step {
    bool object = false;
    std::size_t element = 0;  // counted from 1
    std::string_view raw_key{};
};

/// Control characters, and those that turn the direction of writing: a log line or a terminal
/// must not obey a key.
bool is_unsafe(std::uint32_t point) noexcept {
    return point < 0x20 || (point >= 0x7f && point < 0xa0) ||
           (point >= 0x200e && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e) ||
           (point >= 0x2066 && point <= 0x2069) || point == 0x061c || point == 0xfeff;
}

/// The code point that begins at `at`, in valid UTF-8, and its size.
std::uint32_t code_point(std::string_view text, std::size_t at, std::size_t& size) noexcept {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[at + i]); };
    const std::uint32_t lead = byte(0);
    size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    std::uint32_t point = size == 1 ? lead : lead & (0x7fU >> size);
    for (std::size_t i = 1; i < size; ++i) point = point << 6U | (byte(i) & 0x3fU);
    return point;
}

std::string printable(std::string_view raw) {
    std::string key;
    json_reader json(std::string_view(raw.data() - 1, raw.size() + 2));
    json.read(key);
    std::string out;
    std::size_t size = 0;
    for (std::size_t at = 0; at < key.size(); at += size) {
        const std::uint32_t point = code_point(key, at, size);
        const std::size_t length = is_unsafe(point) ? 6 : size;
        if (out.size() + length > max_key) return out + "...";
        if (length == size) {
            out.append(key, at, size);
            continue;
        }
        constexpr std::string_view digits = "0123456789abcdef";
        out += "\\u";
        for (unsigned shift = 16; shift != 0; shift -= 4) out += digits[point >> (shift - 4) & 15U];
    }
    return out;
}

std::string pointer(const std::vector<step>& steps) {
    std::string text;
    for (const step& s : steps) {
        if (s.object ? s.raw_key.data() == nullptr : s.element == 0) break;  // the text ends here
        std::string token;
        append_token(token, s.object ? printable(s.raw_key) : std::to_string(s.element - 1));
        if (text.size() + token.size() > max_pointer) return text + "/...";
        text += token;
    }
    return text;
}

}  // namespace

location locate(std::string_view text, std::size_t offset) {
    json_reader json(text);
    std::vector<step> steps;
    while (true) {
        const json_kind kind = json.peek();
        if (json.position() >= offset) return {pointer(steps), kind};
        if (kind == json_kind::object) {
            if (json.begin_object()) steps.push_back({.object = true});
        } else if (kind == json_kind::array) {
            if (json.begin_array()) steps.emplace_back();
        } else {
            json.skip();
        }
        // To the next value, out of what ends here.
        while (true) {
            if (!json.ok() || steps.empty()) return {pointer(steps), json_kind::none};
            step& inner = steps.back();
            if (inner.object) {
                std::string_view key;
                if (json.next_raw_key(key)) {
                    inner.raw_key = key;
                    break;
                }
            } else if (json.next_element()) {
                ++inner.element;
                break;
            }
            if (json.ok()) steps.pop_back();
        }
    }
}

}  // namespace weft::json_schema
