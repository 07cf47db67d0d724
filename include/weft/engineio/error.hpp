#pragma once

#include <cstdint>
#include <string_view>

#include <weft/base/error.hpp>

namespace weft::engineio {

/// Everything that ends a request, a session or an upgrade. `describe` has a row for each.
enum class errc : std::uint8_t {
    // A request is refused.
    transport_unknown = 1,
    session_unknown,
    bad_method,
    origin_refused,
    transport_mismatch,
    protocol_mismatch,
    handshake_failed,  ///< The WebSocket handshake breaks RFC 6455.
    middleware_failed,
    no_entropy,
    forbidden,
    unsupported_protocol,
    principal_mismatch,
    too_many_sessions,
    too_many_sessions_of_address,
    too_many_connects,  ///< Above `loop_budgets::connects_per_second`, and nothing to recover.
    out_of_memory,      ///< The server's `memory_limit` is reached.
    shutting_down,
    // A session ends.
    overlapping_poll,
    overlapping_post,
    bad_content_type,
    bad_packet,
    invalid_utf8,
    too_many_packets,
    too_fast,
    wrong_heartbeat,
    slow_consumer,
    shed,              ///< Memory is short, and much waits for this client.
    identity_expired,  ///< `identity::expires` of the client has passed.
    ping_timeout,
    handshake_timeout,  ///< A session that polls had no second request.
    gave_way,           ///< The same, when there were too many sessions.
    handler_failed,
    // An upgrade ends; the session goes on.
    bad_probe,
    upgrade_timeout,
    second_websocket,
};

/// The number of errors, for tables with one entry per error. The index is the value minus 1.
inline constexpr std::size_t errc_count = static_cast<std::size_t>(errc::second_websocket);

/// What an error means and causes.
struct error_row {
    errc code;
    std::string_view text;  ///< What we tell the peer: Engine.IO's words if there are some.
    std::int8_t number;     ///< Engine.IO's code in the body of a refusal; -1: none.
    std::uint16_t
        status;           ///< The status of the refusal, or for the request that ended the session.
    std::uint16_t close;  ///< The WebSocket close code; 0: not for WebSockets.
    condition kind;
    std::string_view label;  ///< The label of its counter.
    std::string_view log{};  ///< What the log says, if `text` says less.
};

/// The row of an error. **Cost**: an array access.
[[nodiscard]] const error_row& describe(errc code) noexcept;

/// The category "weft.engineio".
[[nodiscard]] const std::error_category& error_category() noexcept;

inline std::error_code make_error_code(errc e) noexcept {
    return {static_cast<int>(e), error_category()};
}

}  // namespace weft::engineio

template <>
struct std::is_error_code_enum<weft::engineio::errc> : std::true_type {};
