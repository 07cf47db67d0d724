#pragma once

#include <cstdint>
#include <string_view>

namespace weft::engineio {

/// How a session's packets travel.
enum class transport_kind : std::uint8_t { polling, websocket };

/// "polling" or "websocket".
[[nodiscard]] std::string_view to_string(transport_kind kind) noexcept;

}  // namespace weft::engineio
