// How values are written: numbers with units, permissions, lists, and what to say when something
// else was found. Nothing here throws or allocates more than its input.

#include "config/shape.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <optional>
#include <utility>

namespace weft::config {
namespace {

struct unit {
    std::string_view name;
    std::uint64_t size;
};
// Largest first: a number is written with the largest unit that divides it.
constexpr std::array<unit, 4> size_units{
    {{"GiB", 1U << 30U}, {"MiB", 1U << 20U}, {"KiB", 1024}, {"", 1}}};
constexpr std::array<unit, 7> time_units{{{"d", 86'400'000'000'000},
                                          {"h", 3'600'000'000'000},
                                          {"m", 60'000'000'000},
                                          {"s", 1'000'000'000},
                                          {"ms", 1'000'000},
                                          {"us", 1'000},
                                          {"ns", 1}}};

std::string with_unit(std::uint64_t number, const auto& units) {
    for (const unit& each : units) {
        if (number % each.size == 0 && (number != 0 || each.name == "s" || each.name.empty()))
            return std::to_string(number / each.size) + std::string(each.name);
    }
    return std::to_string(number);
}

std::optional<std::uint64_t> number_of(std::string_view text, int base = 10) {
    std::uint64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, why] = std::from_chars(text.data(), end, number, base);
    if (why != std::errc{} || stop != end) return std::nullopt;
    return number;
}

/// "64KiB" in units of the last one.
std::optional<std::uint64_t> measured(std::string_view text, const auto& units) {
    const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    const auto number = number_of(text.substr(0, digits));
    for (const unit& each : units) {
        if (!number || each.name != text.substr(digits)) continue;
        if (*number > UINT64_MAX / each.size) return std::nullopt;
        return *number * each.size;
    }
    return std::nullopt;
}

std::string written(const shape& what, std::uint64_t number) {
    if (what.type == kind::size) return with_unit(number, size_units);
    if (what.type == kind::time) return with_unit(number, time_units);
    return std::to_string(number);
}

std::string range(const shape& what) {
    if (what.most == UINT64_MAX || (what.type == kind::time && what.most == INT64_MAX))
        return "of at least " + written(what, what.least);
    return "from " + written(what, what.least) + " to " + written(what, what.most);
}

std::vector<std::string_view> words_of(std::string_view list) {
    std::vector<std::string_view> words;
    while (!list.empty()) {
        const std::size_t end = std::min(list.find(' '), list.size());
        words.push_back(list.substr(0, end));
        list.remove_prefix(std::min(end + 1, list.size()));
    }
    return words;
}

bool is_one_of(std::string_view list, std::string_view word) {
    const auto words = words_of(list);
    return std::find(words.begin(), words.end(), word) != words.end();
}

/// The number that a text means, if it is one of its kind.
std::optional<std::uint64_t> to_number(const shape& what, const std::string& text) {
    switch (what.type) {
        case kind::size: return measured(text, size_units);
        case kind::time: return measured(text, time_units);
        case kind::mode: return text.size() >= 3 ? number_of(text, 8) : std::nullopt;
        default: return number_of(text);
    }
}

/// Whether a text is good by itself: what `from_text` does with one of a list, too.
bool fits(const shape& what, const std::string& text) {
    if (text.find('\0') != std::string::npos) return false;
    if (!what.choices.empty()) return is_one_of(what.choices, text);
    if (what.type == kind::file || what.type == kind::folder) return !text.empty();
    return what.rule == nullptr || what.rule->fits(text);
}

/// What was found, short enough for a line, and without what would confuse a terminal.
std::string shown(std::string_view text) {
    constexpr std::size_t longest = 60;
    std::string clean = "'";
    for (const char c : text.substr(0, longest))
        clean += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
    return clean + (text.size() > longest ? "...'" : "'");
}

}  // namespace

std::string expected(const shape& what) {
    switch (what.type) {
        case kind::boolean: return "true or false";
        case kind::integer: return "a number " + range(what);
        case kind::size: return "a size " + range(what) + ", such as 4096, 64KiB or 1MiB";
        case kind::time: return "a time " + range(what) + ", such as 500ms, 10s or 5m";
        case kind::mode: return "permissions in octal, such as 0660";
        case kind::file: return "the name of a file";
        case kind::folder: return "the name of a folder";
        case kind::secret: return "a text";
        case kind::text:
        case kind::choice:
        case kind::texts: break;
    }
    if (!what.choices.empty()) {
        const auto words = words_of(what.choices);
        std::string all;
        for (std::size_t i = 0; i < words.size(); ++i)
            all += (i == 0 ? "" : i + 1 == words.size() ? " or " : ", ") + std::string(words[i]);
        return all;
    }
    return what.rule != nullptr ? std::string(what.rule->expected) : "a text";
}

std::string_view name_of(kind type) noexcept {
    switch (type) {
        case kind::boolean: return "boolean";
        case kind::integer: return "integer";
        case kind::size: return "size";
        case kind::time: return "time";
        case kind::mode: return "permissions";
        case kind::text: return "text";
        case kind::choice: return "choice";
        case kind::file: return "file";
        case kind::folder: return "folder";
        case kind::texts: return "list";
        case kind::secret: return "secret";
    }
    return {};
}

error mismatch(const shape& what, const std::string& found) {
    std::string wanted = expected(what);
    if (what.type == kind::texts) wanted = "a list; each: " + wanted;
    return {make_error_code(errc::invalid_argument), "expected " + wanted + ", found " + found};
}

result<value> from_text(const shape& what, const std::string& text) {
    switch (what.type) {
        case kind::boolean:
            if (text == "true" || text == "false") return value(text == "true");
            break;
        case kind::integer:
        case kind::size:
        case kind::time:
        case kind::mode: {
            const auto number = to_number(what, text);
            if (!number || *number < what.least || *number > what.most) break;
            if (what.type == kind::time)
                return value(duration(static_cast<duration::rep>(*number)));
            return value(*number);
        }
        case kind::secret:
            if (!text.empty()) return value(secret{.text = text});
            return mismatch(what, "nothing");
        case kind::texts: {
            std::vector<std::string> all;
            for (std::size_t at = 0; at < text.size();) {
                const std::size_t comma = std::min(text.find(',', at), text.size());
                all.push_back(text.substr(at, comma - at));
                at = comma + 1;
            }
            return from_list(what, std::move(all));
        }
        default:
            if (fits(what, text)) return value(text);
    }
    return mismatch(what, shown(text));
}

result<value> from_list(const shape& what, std::vector<std::string> texts) {
    if (what.type != kind::texts) return mismatch(what, "a list");
    for (const std::string& each : texts) {
        if (!fits(what, each)) return mismatch(what, shown(each));
    }
    return value(std::move(texts));
}

result<value> from_integer(const shape& what, std::int64_t number) {
    const bool fitting = what.type == kind::integer || what.type == kind::size;
    if (!fitting || number < 0) return mismatch(what, "the number " + std::to_string(number));
    return from_text(what, std::to_string(number));
}

std::string in_quotes(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"' || c == '\\') {
            out += {'\\', c};
        } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
            char code[8];
            std::snprintf(code, sizeof code, "\\u%04x", static_cast<unsigned>(c));
            out += code;
        } else {
            out += c;
        }
    }
    return out + '"';
}

std::string to_words(const shape& what, const value& from) {
    if (const auto* flag = std::get_if<bool>(&from)) return *flag ? "true" : "false";
    if (const auto* time = std::get_if<duration>(&from))
        return written(what, static_cast<std::uint64_t>(time->count()));
    if (const auto* text = std::get_if<std::string>(&from)) return *text;
    if (const auto* number = std::get_if<std::uint64_t>(&from)) {
        if (what.type != kind::mode) return written(what, *number);
        char octal[24];
        std::snprintf(octal, sizeof octal, "%04llo", static_cast<unsigned long long>(*number));
        return octal;
    }
    std::string all;
    if (const auto* texts = std::get_if<std::vector<std::string>>(&from)) {
        for (const std::string& each : *texts) all += (all.empty() ? "" : ", ") + each;
    }
    return all;
}

std::string to_toml(const shape& what, const value& from) {
    if (const auto* texts = std::get_if<std::vector<std::string>>(&from)) {
        std::string all;
        for (const std::string& each : *texts) all += (all.empty() ? "" : ", ") + in_quotes(each);
        return "[" + all + "]";
    }
    const std::string words = to_words(what, from);
    const bool bare =
        what.type == kind::boolean || what.type == kind::integer ||
        (what.type == kind::size && words.find_first_not_of("0123456789") == words.npos);
    return bare && !words.empty() ? words : in_quotes(words);
}

}  // namespace weft::config
