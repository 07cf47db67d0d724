#pragma once

#include <string_view>
#include <vector>

#include <weft/base/json_reader.hpp>
#include <weft/base/result.hpp>

#include "schema/program.hpp"

namespace weft::json_schema {

/// A value of the schema's text. Its place has the same index in `program::places`.
struct item {
    json_kind kind = json_kind::null;
    std::string_view raw{};         // into program::text
    std::vector<index> children{};  // members or elements, in order
};
using schema_tree = std::vector<item>;

/// Reads the text of the program into a tree, the root first, and fills in the places.
/// **Errors**: `malformed` (no JSON, not UTF-8, equal keys), `limit_exceeded` (nested too deep).
[[nodiscard]] result<schema_tree> read_tree(program& p);

/// "schema /properties/price: " and what is wrong there.
[[nodiscard]] error complaint(const program& p, errc code, index at, std::string_view what);

/// The string that an item of that kind holds.
[[nodiscard]] std::string string_of(const item& what);

}  // namespace weft::json_schema
