#pragma once

#include <cstdint>
#include <string_view>

namespace weft::engineio {

/// How the packets of a session travel.
enum class transport_kind : std::uint8_t { polling, websocket };

/// "polling" or "websocket".
[[nodiscard]] std::string_view to_string(transport_kind kind) noexcept;

}  // namespace weft::engineio
