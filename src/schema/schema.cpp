// The public face of a compiled schema: limits, and what a violation says. Nothing here copies
// bytes of the document but its keys, which the path has cut and escaped.

#include <weft/base/json_writer.hpp>
#include <weft/schema/schema.hpp>

#include "base/option_check.hpp"
#include "schema/compiler.hpp"
#include "schema/location.hpp"
#include "schema/validator.hpp"

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

std::string place_of(const json_schema::program& p, const json_schema::finding& found) {
    if (found.place == json_schema::none) return {};
    std::string text = p.pointer(found.place);
    if (!found.whole) json_schema::append_token(text, name_of(found.rule));
    if (found.name.data() != nullptr) json_schema::append_token(text, found.name);
    if (found.position != json_schema::none)
        json_schema::append_token(text, std::to_string(found.position));
    return text;
}

schema::violation describe(const json_schema::program& p, std::string_view text,
                           const json_schema::finding& found) {
    schema::violation what{.rule = name_of(found.rule), .place = place_of(p, found)};
    if (found.rule == json_schema::keyword::utf8) return what;
    auto where = json_schema::locate(text, found.offset);
    what.path = std::move(where.pointer);
    if (found.rule != json_schema::keyword::json) what.kind = where.kind;
    return what;
}

}  // namespace

result<schema> schema::make(std::string_view json, const schema_limits& limits) {
    auto compiled = json_schema::compile(json, limits);
    if (!compiled) return compiled.error();
    return schema(std::move(*compiled));
}

std::optional<schema::violation> schema::check(std::string_view json_text) const {
    json_schema::validator check(*program_, json_text);
    if (check.run()) return std::nullopt;
    return describe(*program_, json_text, check.found());
}

std::string schema::violation::what() const {
    std::string text = path.empty() ? "the document" : path;
    text.append(": ").append(rule);
    if (!place.empty()) text.append(" (schema ").append(place).append(")");
    text.append(": ").append(article(kind));
    return text;
}

void schema::violation::write(json_writer& out) const {
    out.begin_object();
    write_members(out);
    out.end_object();
}

void schema::violation::write_members(json_writer& out) const {
    out.member("path", path);
    out.member("rule", rule);
    out.member("kind", kind == json_kind::none ? std::string_view("none") : name(kind));
}

}  // namespace weft
