// One text for all spellings of a value, so that equality is one comparison of bytes and uniqueness
// is a sort. Recursion is bounded: json_reader enters no more than max_depth arrays and objects.
// Invariant: what was appended to `out` before the call is unchanged.

#include "schema/canonical.hpp"

#include <algorithm>
#include <vector>

#include <weft/base/json_writer.hpp>

#include "schema/decimal.hpp"

namespace weft::json_schema {
namespace {

bool spend(std::uint64_t& steps, std::size_t bytes) noexcept {
    const std::uint64_t cost = 1 + bytes / 32;
    if (steps < cost) {
        steps = 0;
        return false;
    }
    steps -= cost;
    return true;
}

struct member {
    std::size_t begin;  // of its key, in the output
    std::size_t value;
    std::size_t end;
};

bool append_array(std::string& out, json_reader& json, std::uint64_t& steps) {
    if (!json.begin_array()) return false;
    out += '[';
    while (json.next_element()) {
        if (out.back() != '[') out += ',';
        if (!append_canonical(out, json, steps)) return false;
    }
    out += ']';
    return json.ok();
}

/// Writes the members as they come and puts them in order afterwards.
bool append_object(std::string& out, json_reader& json, std::uint64_t& steps) {
    std::vector<member> members;
    std::string scratch;
    std::string_view key;
    const std::size_t begin = out.size();
    if (!json.begin_object()) return false;
    while (json.next_key(key, scratch)) {
        const std::size_t from = out.size();
        append_json_string(out, key);
        const std::size_t value = out.size();
        if (!append_canonical(out, json, steps)) return false;
        members.push_back({from, value, out.size()});
    }
    if (!json.ok() || !spend(steps, out.size() - begin)) return false;
    const std::string unordered = out.substr(begin);
    const auto name = [&](const member& m) {
        return std::string_view(unordered).substr(m.begin - begin, m.value - m.begin);
    };
    std::stable_sort(members.begin(), members.end(),
                     [&](const member& a, const member& b) { return name(a) < name(b); });
    out.resize(begin);
    out += '{';
    for (const member& m : members) {
        if (out.back() != '{') out += ',';
        out += name(m);
        out += ':';
        out.append(unordered, m.value - begin, m.end - m.value);
    }
    out += '}';
    return true;
}

}  // namespace

bool is_canonical_scalar(std::string_view value) noexcept {
    switch (value.front()) {
        case '"': return value.find('\\') == std::string_view::npos;
        case '[':
        case '{': return false;
        case 't':
        case 'f':
        case 'n': return true;
        default:
            return value.size() <= max_plain_integer && value != "-0" &&
                   value.find_first_of(".eE") == std::string_view::npos;
    }
}

bool append_canonical(std::string& out, json_reader& json, std::uint64_t& steps) {
    const json_kind kind = json.peek();
    if (kind == json_kind::array) return spend(steps, 0) && append_array(out, json, steps);
    if (kind == json_kind::object) return spend(steps, 0) && append_object(out, json, steps);
    std::string_view raw;
    if (!json.raw(raw) || !spend(steps, raw.size())) return false;
    if (is_canonical_scalar(raw)) {
        out += raw;
    } else if (kind == json_kind::number) {
        append_canonical(out, read_decimal(raw));
    } else {
        std::string text;
        json_reader again(raw);
        again.read(text);
        append_json_string(out, text);
    }
    return true;
}

}  // namespace weft::json_schema
