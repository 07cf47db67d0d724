#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <weft/base/json_reader.hpp>
#include <weft/schema/schema.hpp>

#include "schema/decimal.hpp"
#include "schema/formats.hpp"
#include "schema/name_table.hpp"
#include "schema/regex.hpp"

namespace weft::json_schema {

/// The keywords of draft-07 in alphabetical order, and behind them what else can be wrong.
enum class keyword : std::uint8_t {
    additional_items,
    additional_properties,
    all_of,
    any_of,
    const_,
    contains,
    dependencies,
    else_,
    enum_,
    exclusive_maximum,
    exclusive_minimum,
    format,
    if_,
    items,
    max_items,
    max_length,
    max_properties,
    maximum,
    min_items,
    min_length,
    min_properties,
    minimum,
    multiple_of,
    not_,
    one_of,
    pattern,
    pattern_properties,
    properties,
    property_names,
    required,
    then,
    type,
    unique_items,
    definitions,
    id,
    ref,
    dialect,
    annotation,  ///< Any that asserts nothing.
    false_,      ///< The whole schema is `false`.
    json,
    utf8,
    depth,
    duplicate,
    budget,
    text,  ///< A binary message where text is wanted. No schema says so.
};

/// As it is written: "additionalItems".
[[nodiscard]] std::string_view name_of(keyword word) noexcept;

using index = std::uint32_t;
inline constexpr index none = ~index{0};

/// A part of one of the vectors of a program.
struct range {
    index begin = 0;
    index end = 0;

    [[nodiscard]] bool empty() const noexcept { return begin == end; }
    [[nodiscard]] index size() const noexcept { return end - begin; }
};

using kind_set = std::uint8_t;
constexpr kind_set only(json_kind kind) noexcept {
    return static_cast<kind_set>(1U << static_cast<unsigned>(kind));
}
inline constexpr kind_set all_kinds = 0x3f;

/// A schema that stands somewhere in the schema. Indexes tell where its rules are.
struct node {
    kind_set kinds = all_kinds;       // that `type` allows
    bool integral = false;            // a number must be an integer
    bool looks_again = false;         // there is an enumeration or an applicator
    keyword refusal = keyword::type;  // what to say when the kind is wrong
    index place = 0;
    range numbers{};  // into number_rules
    index strings = none;
    index arrays = none;
    index objects = none;
    range enumerations{};
    range applicators{};
};

struct number_rule {
    keyword word;
    decimal bound;
};

struct string_rules {
    std::size_t min_length = 0;  // in code points
    std::size_t max_length = ~std::size_t{0};
    index pattern = none;
    bool has_format = false;
    format what{};
};

struct array_rules {
    std::size_t min_items = 0;
    std::size_t max_items = ~std::size_t{0};
    bool unique = false;
    range tuple{};      // into links
    index rest = none;  // for the elements behind the tuple
    index contains = none;
};

/// What is known of a key that the schema names. Its place is that of the key in the name table.
struct property {
    std::string quoted{};  // as it most likely stands in a text: `"name":`
    range schemas{};       // into links: all that its value must meet
};

struct pattern_rule {
    index pattern;
    index schema;
};

struct dependency {
    index key;         // in the name table
    range required{};  // into `dependent`
    index schema = none;
};

struct required_name {
    index key;       // in the name table
    index position;  // in the list that requires it
};

struct object_rules {
    std::size_t min_properties = 0;
    std::size_t max_properties = ~std::size_t{0};
    name_table names{};
    std::vector<property> properties{};
    std::vector<required_name> required{};
    std::vector<pattern_rule> patterns{};
    std::vector<dependency> dependencies{};
    std::vector<required_name> dependent{};
    index rest = none;  // for what neither a name nor a pattern matches
    index property_names = none;
};

/// What a value is compared with: the canonical texts of `enum` or `const`.
struct enumeration {
    keyword word;
    kind_set kinds = 0;
    name_table values{};
};

/// A keyword that looks at the same value again.
struct applicator {
    keyword word;
    range branches{};  // into links; for `if`: if, then, else
};

/// Where something stands in the text of the schema: a member or an element of what is there.
struct place {
    index parent = none;
    std::string token{};
};

/// A compiled schema. Immutable, so any number of threads may use it.
struct program {
    std::string text{};  // which the numbers point into
    schema_limits limits{};
    index root = 0;
    std::vector<node> nodes{};
    std::vector<number_rule> number_rules{};
    std::vector<string_rules> strings{};
    std::vector<array_rules> arrays{};
    std::vector<object_rules> objects{};
    std::vector<enumeration> enumerations{};
    std::vector<applicator> applicators{};
    std::vector<index> links{};  // to nodes; `none`: anything goes
    std::vector<regex> patterns{};
    std::vector<place> places{};

    /// Whether every value meets the schema.
    [[nodiscard]] bool accepts_all(index at) const noexcept {
        if (at == none) return true;
        const node& n = nodes[at];
        return n.kinds == all_kinds && !n.integral && !n.looks_again && n.numbers.empty() &&
               n.strings == none && n.arrays == none && n.objects == none;
    }
    /// The JSON pointer.
    [[nodiscard]] std::string pointer(index at) const;
};

/// Appends `/` and a token of a JSON pointer. **See**: RFC 6901 section 3.
void append_token(std::string& pointer, std::string_view token);

}  // namespace weft::json_schema
