#pragma once

#include <cstdint>
#include <string_view>

namespace weft::socketio {

/// Why a socket is no longer connected. The names are those of the Socket.IO documentation.
enum class disconnect_reason : std::uint8_t {
    transport_error,
    transport_close,
    forced_close,
    ping_timeout,
    parse_error,
    server_shutting_down,
    forced_server_close,
    client_namespace_disconnect,
    server_namespace_disconnect,
};

/// "transport close" and so on, exactly as in Node's server.
[[nodiscard]] std::string_view to_string(disconnect_reason why) noexcept;

/// Whether connection state recovery may bring the socket back. Not if one side chose to leave, nor
/// after a broken packet.
[[nodiscard]] bool recoverable(disconnect_reason why) noexcept;

}  // namespace weft::socketio
