#pragma once

#include <string_view>

#include <weft/base/result.hpp>
#include <weft/ws/options.hpp>

namespace weft::ws {

/// What both sides of a WebSocket demand of their options. **Errors**: `invalid_argument`, naming
/// the option as one of `type`.
[[nodiscard]] result<void> check(const options& chosen, std::string_view type);

}  // namespace weft::ws
