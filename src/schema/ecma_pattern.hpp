#pragma once

#include <string>
#include <string_view>

#include <weft/base/result.hpp>

namespace weft::json_schema {

/// Writes a regular expression of ECMA-262 (with the flag `u`) in the syntax of RE2.
/// **Errors**: `not_supported` for look-around and back-references, `invalid_argument` for what is
/// no pattern. RE2 refuses the rest: unbalanced brackets, quantifiers of nothing.
[[nodiscard]] result<std::string> translate_pattern(std::string_view ecma);

}  // namespace weft::json_schema
