// The one table of what a peer can do wrong and what follows. The order is that of the enumeration,
// which a static assertion checks, so that looking an error up is an array access.

#include <array>

#include "base/error_table.hpp"
#include "ws/proto/error_counters.hpp"

namespace weft::ws {
namespace {

constexpr close_code none = close_code::abnormal;
constexpr close_code protocol = close_code::protocol_error;
constexpr close_code invalid = close_code::invalid_payload;
constexpr close_code policy = close_code::policy_violation;
constexpr condition broken = condition::protocol_violation;
constexpr condition limit = condition::limit_exceeded;

constexpr std::array<error_row, errc_count> rows{{
    {errc::reserved_bits, "a reserved bit is set in a frame", protocol, 0, broken,
     R"(error="reserved_bits")"},
    {errc::reserved_opcode, "a frame has a reserved opcode", protocol, 0, broken,
     R"(error="reserved_opcode")"},
    {errc::fragmented_control, "a control frame is fragmented", protocol, 0, broken,
     R"(error="fragmented_control")"},
    {errc::unexpected_continuation, "a continuation frame continues nothing", protocol, 0, broken,
     R"(error="unexpected_continuation")"},
    {errc::expected_continuation, "a new message begins inside a fragmented one", protocol, 0,
     broken, R"(error="expected_continuation")"},
    {errc::unmasked_frame, "a client's frame is not masked", protocol, 0, broken,
     R"(error="unmasked_frame")"},
    {errc::masked_frame, "a server's frame is masked", protocol, 0, broken,
     R"(error="masked_frame")"},
    {errc::control_too_long, "a control frame is longer than 125 bytes", protocol, 0, broken,
     R"(error="control_too_long")"},
    {errc::non_minimal_length, "a frame's length is not in its shortest form", protocol, 0, broken,
     R"(error="non_minimal_length")"},
    {errc::length_overflow, "a frame's length has its highest bit set", protocol, 0, broken,
     R"(error="length_overflow")"},
    {errc::bad_close_payload, "a close frame has a payload of one byte", protocol, 0, broken,
     R"(error="bad_close_payload")"},
    {errc::bad_close_code, "a close frame has a code that must not be sent", protocol, 0, broken,
     R"(error="bad_close_code")"},
    {errc::invalid_utf8, "a text or a close reason is not UTF-8", invalid, 0, broken,
     R"(error="invalid_utf8")"},
    {errc::bad_deflate_data, "a compressed message cannot be inflated", invalid, 0, broken,
     R"(error="bad_deflate_data")"},
    {errc::message_too_big,
     "a message is longer than max_message (of Socket.IO: max_http_buffer_size)",
     close_code::message_too_big, 0, limit, R"(error="message_too_big")"},
    {errc::too_many_fragments, "a message has more frames than max_message has bytes",
     close_code::message_too_big, 0, limit, R"(error="too_many_fragments")"},
    {errc::control_flood,
     "control frames come faster than max_control_burst and control_interval allow", policy, 0,
     limit, R"(error="control_flood")"},
    {errc::out_of_budget, "no memory is left for incomplete messages: message_budget",
     close_code::try_again_later, 0, limit, R"(error="out_of_budget")"},
    {errc::message_too_slow,
     "a message came slower than min_message_rate, or paused for message_grace", policy, 0, limit,
     R"(error="message_too_slow")"},
    {errc::too_fast, "messages come faster than rate allows", policy, 0, limit,
     R"(error="too_fast")"},
    {errc::invalid_message, "a message breaks the schema of the endpoint", policy, 0, broken,
     R"(error="invalid_message")"},
    {errc::too_many_violations, "more messages break the schema than max_violations allows", policy,
     0, limit, R"(error="too_many_violations")"},
    {errc::slow_consumer, "more than max_queue waits for the peer to read",
     close_code::try_again_later, 0, limit, R"(error="slow_consumer")"},
    {errc::shed, "memory_limit is exceeded and much waits for the peer to read",
     close_code::try_again_later, 0, limit, R"(error="shed")"},
    {errc::identity_expired, "identity expired", close_code{4001}, 0, condition::timed_out,
     R"(error="identity_expired")"},
    {errc::handler_failed, "the application's handler threw", close_code::internal_error, 0,
     condition::misuse, R"(error="handler_failed")"},
    {errc::bad_method, "the method of an upgrade request is not GET", none, 405, broken,
     R"(error="bad_method")"},
    {errc::bad_http_version, "an upgrade request needs HTTP/1.1", none, 400, broken,
     R"(error="bad_http_version")"},
    {errc::body_in_upgrade, "an upgrade request has a body", none, 400, broken,
     R"(error="body_in_upgrade")"},
    {errc::bad_upgrade, "this is a WebSocket endpoint: the Upgrade header must say websocket", none,
     426, broken, R"(error="bad_upgrade")"},
    {errc::bad_connection, "the Connection header does not say Upgrade", none, 400, broken,
     R"(error="bad_connection")"},
    {errc::bad_key, "Sec-WebSocket-Key is not one base64 value of 16 bytes", none, 400, broken,
     R"(error="bad_key")"},
    {errc::bad_version, "Sec-WebSocket-Version is missing or repeated", none, 400, broken,
     R"(error="bad_version")"},
    {errc::unsupported_version, "Sec-WebSocket-Version is not 13", none, 426, broken,
     R"(error="unsupported_version")"},
    {errc::bad_subprotocol, "Sec-WebSocket-Protocol is not a list of distinct tokens", none, 400,
     broken, R"(error="bad_subprotocol")"},
    {errc::bad_extensions, "Sec-WebSocket-Extensions is malformed", none, 400, broken,
     R"(error="bad_extensions")"},
    {errc::origin_refused, "the request's Origin is neither that of its Host nor in origins", none,
     403, broken, R"(error="origin_refused")"},
    {errc::not_switching, "the server's response is not 101 to websocket", none, 0, broken,
     R"(error="not_switching")"},
    {errc::bad_accept, "Sec-WebSocket-Accept does not belong to the key", none, 0, broken,
     R"(error="bad_accept")"},
    {errc::unexpected_subprotocol, "the server chose a subprotocol that was not offered", none, 0,
     broken, R"(error="unexpected_subprotocol")"},
    {errc::unexpected_extensions, "the server chose extensions that were not offered", none, 0,
     broken, R"(error="unexpected_extensions")"},
}};

}  // namespace

const error_row& describe(errc code) noexcept {
    return rows[static_cast<std::size_t>(code) - 1];
}

const std::error_category& error_category() noexcept {
    static const table_category<rows> category("weft.ws");
    return category;
}

void error_counters::visit(metric_visitor visitor) const {
    for (const error_row& row : rows) {
        visitor({"weft_ws_errors_total", row.label, "What WebSocket peers did wrong.",
                 metric_kind::counter, read(row.code)});
    }
}

}  // namespace weft::ws
