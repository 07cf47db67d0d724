// The only place that knows toml++, which is large: a text becomes a list of keys with values. Its
// exceptions end here. It makes a table of each part of a key, allows 256 of them inside each other
// and destroys them recursively: that could end the process, so that nesting is measured before.

#include "config/toml_reader.hpp"

#include <algorithm>

#include <toml++/toml.h>

#include "config/shape.hpp"

namespace weft::config {
namespace {

std::string_view kind_of(const toml::node& node) {
    switch (node.type()) {
        case toml::node_type::floating_point: return "a number with a point";
        case toml::node_type::date: return "a date";
        case toml::node_type::time: return "a time of day";
        case toml::node_type::date_time: return "a date and time";
        case toml::node_type::array: return "a list of other things than texts";
        default: return "something else";
    }
}

void flatten(const std::string& key, const toml::node& node, std::vector<entry>& into);

/// A key as it stands in names: quoted if it has anything but letters, digits, - and _, so that
/// `"a.b"` is not taken for a key of a table.
std::string plain(std::string_view key) {
    const bool bare = !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '-' || c == '_';
    });
    return bare ? std::string(key) : in_quotes(key);
}

void flatten_members(const std::string& prefix, const toml::table& from, std::vector<entry>& into) {
    for (const auto& [key, node] : from) {
        std::string name = prefix;
        if (!name.empty()) name += '.';
        flatten(name += plain(key.str()), node, into);
    }
}

void flatten_list(const std::string& key, const toml::array& list, entry one,
                  std::vector<entry>& into) {
    if (!list.empty() && list.is_homogeneous<toml::table>()) {
        for (std::size_t i = 0; i < list.size(); ++i)
            flatten(key + '[' + std::to_string(i) + ']', list[i], into);
        return;
    }
    std::vector<std::string> texts;
    for (const toml::node& each : list) {
        if (const auto* const text = each.as_string()) texts.push_back(text->get());
    }
    if (texts.size() == list.size())
        one.value = std::move(texts);
    else
        one.value = unusable{kind_of(list)};
    into.push_back(std::move(one));
}

void flatten(const std::string& key, const toml::node& node, std::vector<entry>& into) {
    entry one{.key = key, .value = table_mark(), .line = node.source().begin.line};
    if (const auto* const table = node.as_table()) {
        into.push_back(std::move(one));
        return flatten_members(key, *table, into);
    }
    if (const auto* const list = node.as_array())
        return flatten_list(key, *list, std::move(one), into);
    if (const auto* const text = node.as_string())
        one.value = text->get();
    else if (const auto* const number = node.as_integer())
        one.value = number->get();
    else if (const auto* const flag = node.as_boolean())
        one.value = flag->get();
    else
        one.value = unusable{kind_of(node)};
    into.push_back(std::move(one));
}

/// Walks over a string that begins at `at`; the place behind it. One that does not end on its line,
/// which is wrong TOML, ends there.
std::size_t skip_string(std::string_view text, std::size_t at) {
    const char quote = text[at];
    const std::string long_end(3, quote);
    const bool long_one = text.substr(at, 3) == long_end;
    at += long_one ? 3 : 1;
    for (; at < text.size(); ++at) {
        if (text[at] == '\\' && quote == '"') {
            ++at;
        } else if (long_one) {
            if (text.substr(at, 3) != long_end) continue;
            // Two more may be there: the last three end it.
            at += 3;
            for (int i = 0; i < 2 && at < text.size() && text[at] == quote; ++i) ++at;
            return at;
        } else if (text[at] == quote || text[at] == '\n') {
            return at + (text[at] == quote ? 1 : 0);
        }
    }
    return text.size();
}

/// What is nested too deep, and where; line 0: nothing.
struct nesting {
    unsigned line = 0;
    const char* problem = "";
};

nesting find_deep_nesting(std::string_view text) {
    constexpr int most_dots = 15;
    constexpr int most_brackets = 16;
    unsigned line = 1;
    int dots = 0;
    int brackets = 0;
    for (std::size_t at = 0; at < text.size();) {
        const char c = text[at];
        if (c == '"' || c == '\'') {
            const std::size_t end = skip_string(text, at);
            const std::string_view skipped = text.substr(at, end - at);
            line += static_cast<unsigned>(std::count(skipped.begin(), skipped.end(), '\n'));
            at = end;
            continue;
        }
        if (c == '#') {
            at = std::min(text.find('\n', at), text.size());
            continue;
        }
        if (c == '.' && ++dots > most_dots)
            return {line, "expected a key of at most 16 parts, found more"};
        const bool opens = c == '[' || c == '{';
        if (opens && ++brackets > most_brackets)
            return {line, "expected at most 16 brackets inside each other, found more"};
        if ((c == ']' || c == '}') && brackets > 0) --brackets;
        if (c == '\n') ++line;
        if (c == '\n' || c == '=' || c == ',' || opens) dots = 0;
        ++at;
    }
    return {};
}

}  // namespace

toml_file read_toml(std::string_view text) {
    toml_file file;
    if (const nesting deep = find_deep_nesting(text); deep.line != 0) {
        file.problem = deep.problem;
        file.line = deep.line;
        return file;
    }
    try {
        flatten_members({}, toml::parse(text), file.entries);
        std::stable_sort(file.entries.begin(), file.entries.end(),
                         [](const entry& a, const entry& b) { return a.line < b.line; });
    } catch (const toml::parse_error& wrong) {
        file.entries.clear();
        file.problem = std::string(wrong.description());
        file.line = wrong.source().begin.line;
    }
    return file;
}

}  // namespace weft::config
