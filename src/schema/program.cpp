// Names of keywords and places in a schema.

#include "schema/program.hpp"

#include <algorithm>

namespace weft::json_schema {
namespace {

constexpr std::array<std::string_view, static_cast<std::size_t>(keyword::text) + 1> names = {
    "additionalItems",
    "additionalProperties",
    "allOf",
    "anyOf",
    "const",
    "contains",
    "dependencies",
    "else",
    "enum",
    "exclusiveMaximum",
    "exclusiveMinimum",
    "format",
    "if",
    "items",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
    "multipleOf",
    "not",
    "oneOf",
    "pattern",
    "patternProperties",
    "properties",
    "propertyNames",
    "required",
    "then",
    "type",
    "uniqueItems",
    "definitions",
    "$id",
    "$ref",
    "$schema",
    "annotation",
    "false",
    "json",
    "utf-8",
    "depth",
    "duplicate",
    "budget",
    "text",
};

}  // namespace

std::string_view name_of(keyword word) noexcept {
    return names[static_cast<std::size_t>(word)];
}

void append_token(std::string& pointer, std::string_view token) {
    pointer += '/';
    for (const char c : token) {
        if (c == '~') {
            pointer += "~0";
        } else if (c == '/') {
            pointer += "~1";
        } else {
            pointer += c;
        }
    }
}

std::string program::pointer(index at) const {
    std::vector<index> path;
    for (; places[at].parent != none; at = places[at].parent) path.push_back(at);
    std::string out;
    for (auto i = path.rbegin(); i != path.rend(); ++i) append_token(out, places[*i].token);
    return out;
}

}  // namespace weft::json_schema
