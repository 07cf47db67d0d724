#pragma once

#include <memory>
#include <string_view>

#include <weft/base/result.hpp>

#include "schema/program.hpp"

namespace weft::json_schema {

/// **Errors**: those of `schema::make`.
[[nodiscard]] result<std::shared_ptr<const program>> compile(std::string_view text,
                                                             const schema_limits& limits);

}  // namespace weft::json_schema
