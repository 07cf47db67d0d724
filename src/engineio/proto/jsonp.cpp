// JSONP, for pages that can only load scripts and post forms. What goes into a script is one JSON
// string, with the two line ends escaped that JSON allows in a string and JavaScript did not.

#include "engineio/proto/jsonp.hpp"

#include <algorithm>

#include <weft/base/json_writer.hpp>

#include "http/proto/target.hpp"

namespace weft::engineio {
namespace {

constexpr std::size_t max_index = 16;  // digits

constexpr bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

/// In place: `\n` in two characters becomes a line end, `\\n` in three becomes `\n` in two.
std::size_t restore_lines(std::span<char> text) noexcept {
    const std::string_view all(text.data(), text.size());
    std::size_t size = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
        char c = all[i];
        if (all.substr(i, 3) == "\\\\n") {
            text[size++] = '\\';
            c = 'n';
            i += 2;
        } else if (all.substr(i, 2) == "\\n") {
            c = '\n';
            ++i;
        }
        text[size++] = c;
    }
    return size;
}

}  // namespace

std::string write_jsonp(std::string_view index, std::string_view payload) {
    std::string quoted;
    append_json_string(quoted, payload);
    std::string out = "___eio[";
    std::copy_if(index.begin(),
                 index.begin() + static_cast<std::ptrdiff_t>(std::min(index.size(), max_index)),
                 std::back_inserter(out), is_digit);
    out += "](";
    std::string_view rest = quoted;
    constexpr std::string_view beginning = "\xE2\x80";  // of both line ends
    for (std::size_t position = 0; (position = rest.find(beginning)) != std::string_view::npos;) {
        const std::string_view end = rest.substr(position, 3);
        const bool breaks = end == "\xE2\x80\xA8" || end == "\xE2\x80\xA9";
        out += rest.substr(0, position);
        out += !breaks ? beginning : end.back() == '\xA8' ? "\\u2028" : "\\u2029";
        rest.remove_prefix(position + (breaks ? end.size() : beginning.size()));
    }
    out += rest;
    out += ");";
    return out;
}

std::optional<std::string_view> read_jsonp(std::string_view form, std::span<char> out) noexcept {
    while (!form.empty()) {
        const std::size_t end = form.find('&');
        const std::string_view field = form.substr(0, end);
        form.remove_prefix(end == std::string_view::npos ? form.size() : end + 1);
        if (field.substr(0, 2) != "d=") continue;
        const auto decoded = http::decode_query(field.substr(2), out);
        if (!decoded) return std::nullopt;
        return std::string_view(out.data(), restore_lines(out.first(decoded->size())));
    }
    return std::nullopt;
}

}  // namespace weft::engineio
