#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <weft/base/json_reader.hpp>

namespace weft::json_schema {

/// Whether the text of a valid JSON value is its canonical text: `true`, a string without escapes,
/// a short integer. Never of arrays and objects.
[[nodiscard]] bool is_canonical_scalar(std::string_view value) noexcept;

/// Reads a value and appends its canonical text: two values are equal, as JSON Schema means it, if
/// and only if their canonical texts are. `1.0` is `1`, members are in order, there is no white
/// space. Takes from `steps` what it costs.
/// **Errors**: false when the text is no JSON (see `json.error()`) or `steps` do not suffice (then
/// they are 0).
bool append_canonical(std::string& out, json_reader& json, std::uint64_t& steps);

}  // namespace weft::json_schema
