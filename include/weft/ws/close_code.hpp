#pragma once

#include <cstdint>

namespace weft::ws {

/// Why a connection ends, as the close frame says. Libraries and applications may use the codes
/// from 3000 to 4999. **See**: RFC 6455 section 7.4 and the IANA registry.
enum class close_code : std::uint16_t {
    normal = 1000,
    going_away = 1001,
    protocol_error = 1002,
    unsupported_data = 1003,
    no_status = 1005,  ///< Never sent: the close frame has no code.
    abnormal = 1006,   ///< Never sent: the connection ended without a close frame.
    invalid_payload = 1007,
    policy_violation = 1008,
    message_too_big = 1009,
    mandatory_extension = 1010,
    internal_error = 1011,
    service_restart = 1012,
    try_again_later = 1013,
    bad_gateway = 1014,
    tls_handshake = 1015,  ///< Never sent: the TLS handshake failed.
};

/// Whether a close frame may carry the code. The same in both directions.
[[nodiscard]] constexpr bool may_be_sent(close_code code) noexcept {
    const auto value = static_cast<std::uint16_t>(code);
    if (value >= 1000 && value <= 1014) return value < 1004 || value > 1006;
    return value >= 3000 && value <= 4999;
}

}  // namespace weft::ws
