// The one table of what a client can do wrong and what follows. The order is that of the
// enumeration, which a static assertion checks. The numbers and texts of refusals are those of
// Engine.IO, which its clients know.

#include <array>

#include <weft/engineio/error.hpp>

#include "base/error_table.hpp"

namespace weft::engineio {
namespace {

constexpr condition broken = condition::protocol_violation;
constexpr condition limit = condition::limit_exceeded;

constexpr std::array<error_row, errc_count> rows{{
    {errc::transport_unknown, "Transport unknown", 0, 400, 0, broken,
     R"(error="transport_unknown")", "the transport is unknown or not in transports"},
    {errc::session_unknown, "Session ID unknown", 1, 400, 0, broken, R"(error="session_unknown")"},
    {errc::bad_method, "Bad handshake method", 2, 400, 0, broken, R"(error="bad_method")"},
    {errc::origin_refused, "Forbidden", 4, 403, 0, broken, R"(error="origin_refused")",
     "the request's Origin is neither that of its Host nor in origins or cors"},
    {errc::transport_mismatch, "Bad request", 3, 400, 0, broken, R"(error="transport_mismatch")",
     "a request for a session of another transport"},
    {errc::protocol_mismatch, "Bad request", 3, 400, 0, broken, R"(error="protocol_mismatch")",
     "a request for a session of another protocol version"},
    {errc::handshake_failed, "Bad request", 3, 400, 0, broken, R"(error="handshake_failed")",
     "the request is no handshake of its transport"},
    {errc::middleware_failed, "Bad request", 3, 400, 0, broken, R"(error="middleware_failed")",
     "a middleware refused a request"},
    {errc::no_entropy, "Bad request", 3, 500, 0, limit, R"(error="no_entropy")",
     "no session could be made: no random numbers, or memory ran out"},
    {errc::forbidden, "Forbidden", 4, 403, 0, broken, R"(error="forbidden")",
     "allow_request refused a request"},
    {errc::unsupported_protocol, "Unsupported protocol version", 5, 400, 0, broken,
     R"(error="unsupported_protocol")",
     "a client of protocol 3 (Socket.IO 2) came: allow_eio3 is off"},
    {errc::principal_mismatch, "Session ID unknown", 1, 400, 0, broken,
     R"(error="principal_mismatch")", "a request for another user's session"},
    {errc::too_many_sessions, "Too many sessions: max_sessions", 4, 503, 0, limit,
     R"(error="too_many_sessions")"},
    {errc::too_many_sessions_of_address, "Too many sessions: max_sessions_per_address", 4, 503, 0,
     limit, R"(error="too_many_sessions_of_address")"},
    {errc::too_many_connects, "Too many clients connect: connects_per_second", 4, 503, 1013, limit,
     R"(error="too_many_connects")"},
    {errc::out_of_memory, "No memory is left: memory_limit", 4, 503, 1013, limit,
     R"(error="out_of_memory")"},
    {errc::shutting_down, "Shutting down", 4, 503, 0, condition::shutting_down,
     R"(error="shutting_down")"},
    {errc::overlapping_poll, "a poll was made while another hangs", -1, 400, 0, broken,
     R"(error="overlapping_poll")"},
    {errc::overlapping_post, "a POST was made before the last one was answered", -1, 400, 0, broken,
     R"(error="overlapping_post")"},
    {errc::bad_content_type, "a body of protocol 4 is text", -1, 400, 0, broken,
     R"(error="bad_content_type")"},
    {errc::bad_packet, "a packet or payload is malformed", -1, 200, 1008, broken,
     R"(error="bad_packet")"},
    {errc::invalid_utf8, "a packet is not UTF-8", -1, 200, 1007, broken, R"(error="invalid_utf8")"},
    {errc::too_many_packets, "more packets in one POST than max_packets", -1, 400, 0, limit,
     R"(error="too_many_packets")"},
    {errc::too_fast, "packets come faster than rate or traffic allows", 4, 429, 1008, limit,
     R"(error="too_fast")"},
    {errc::wrong_heartbeat, "invalid heartbeat direction", -1, 200, 1008, broken,
     R"(error="wrong_heartbeat")"},
    {errc::slow_consumer, "more than max_queue waits for the client", -1, 0, 1013, limit,
     R"(error="slow_consumer")"},
    {errc::shed, "memory_limit is exceeded and much waits for the client", -1, 0, 1013, limit,
     R"(error="shed")"},
    {errc::identity_expired, "identity expired", -1, 0, 4001, condition::timed_out,
     R"(error="identity_expired")"},
    {errc::ping_timeout, "no sign of life within ping_timeout", -1, 0, 1000, condition::timed_out,
     R"(error="ping_timeout")"},
    {errc::handshake_timeout, "no second request within handshake_timeout", -1, 0, 1000,
     condition::timed_out, R"(error="handshake_timeout")"},
    {errc::gave_way,
     "too many sessions: one without a second request made room "
     "(max_sessions_per_address, max_sessions, memory_limit)",
     -1, 0, 1000, limit, R"(error="gave_way")"},
    {errc::handler_failed, "the application's handler threw", -1, 500, 1011, condition::misuse,
     R"(error="handler_failed")"},
    {errc::bad_probe, "a WebSocket for an upgrade begins with 2probe, then 5", -1, 0, 1008, broken,
     R"(error="bad_probe")"},
    {errc::upgrade_timeout, "the upgrade took longer than upgrade_timeout", -1, 0, 1000,
     condition::timed_out, R"(error="upgrade_timeout")"},
    {errc::second_websocket, "the session has a WebSocket already", -1, 0, 1000, broken,
     R"(error="second_websocket")"},
}};

}  // namespace

const error_row& describe(errc code) noexcept {
    return rows[static_cast<std::size_t>(code) - 1];
}

const std::error_category& error_category() noexcept {
    static const table_category<rows> category("weft.engineio");
    return category;
}

}  // namespace weft::engineio
