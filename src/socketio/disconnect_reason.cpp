// Why sockets leave, in the words that Socket.IO programs compare with.

#include <weft/socketio/disconnect_reason.hpp>

namespace weft::socketio {

std::string_view to_string(disconnect_reason why) noexcept {
    switch (why) {
        case disconnect_reason::transport_error: return "transport error";
        case disconnect_reason::transport_close: return "transport close";
        case disconnect_reason::forced_close: return "forced close";
        case disconnect_reason::ping_timeout: return "ping timeout";
        case disconnect_reason::parse_error: return "parse error";
        case disconnect_reason::server_shutting_down: return "server shutting down";
        case disconnect_reason::forced_server_close: return "forced server close";
        case disconnect_reason::client_namespace_disconnect: return "client namespace disconnect";
        case disconnect_reason::server_namespace_disconnect: break;
    }
    return "server namespace disconnect";
}

bool recoverable(disconnect_reason why) noexcept {
    return why < disconnect_reason::client_namespace_disconnect &&
           why != disconnect_reason::parse_error;
}

}  // namespace weft::socketio
