// The public face of a compiled schema: limits, and what a violation says. Nothing here copies
// bytes of the document but its keys, which the path has cut and escaped.

#include <weft/base/json_writer.hpp>
#include <weft/schema/schema.hpp>

#include "base/option_check.hpp"

namespace weft {

result<void> schema_limits::check() const {
    return option_check("schema_limits")
        .at_least("max_text", max_text, 2)
        .within("max_depth", max_depth, 1, 128)
        .at_least("pattern_memory", pattern_memory, 16'384)
        .at_least("base_steps", base_steps, 1)
        .outcome();
}

namespace {

std::string_view article(json_kind kind) noexcept {
    switch (kind) {
        case json_kind::null: return "null";
        case json_kind::boolean: return "a boolean";
        case json_kind::number: return "a number";
        case json_kind::string: return "a string";
        case json_kind::array: return "an array";
        case json_kind::object: return "an object";
        case json_kind::none: break;
    }
    return "no value";
}

std::string_view name(json_kind kind) noexcept {
    const std::string_view words = article(kind);
    return words.substr(words.find(' ') + 1);
}

}  // namespace

std::string schema::violation::what() const {
    std::string text = path.empty() ? "the document" : path;
    text.append(": ").append(rule);
    if (!place.empty()) text.append(" (schema ").append(place).append(")");
    text.append(": ").append(article(kind));
    return text;
}

void schema::violation::write(json_writer& out) const {
    out.begin_object();
    out.member("path", path);
    out.member("rule", rule);
    out.member("kind", kind == json_kind::none ? std::string_view("none") : name(kind));
    out.end_object();
}

}  // namespace weft
