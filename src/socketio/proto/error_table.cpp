// The one table of what can go wrong with a Socket.IO peer. The order is that of the enumeration,
// which a static assertion checks, so that looking an error up is an array access.

#include <array>

#include "base/error_table.hpp"
#include "socketio/proto/error_counters.hpp"

namespace weft::socketio {
namespace {

constexpr condition broken = condition::protocol_violation;
constexpr condition limit = condition::limit_exceeded;

constexpr std::array<error_row, errc_count> rows{{
    {errc::unknown_packet_type, "a packet's type is none of 0 to 6", broken,
     R"(error="unknown_packet_type")"},
    {errc::bad_attachment_count,
     "a packet's number of attachments is malformed or above max_attachments", broken,
     R"(error="bad_attachment_count")"},
    {errc::bad_namespace, "a namespace is malformed or longer than max_namespace_length", broken,
     R"(error="bad_namespace")"},
    {errc::bad_ack_id, "an acknowledgement id is not an integer up to 2^53-1, or has no place here",
     broken, R"(error="bad_ack_id")"},
    {errc::bad_payload, "a packet's payload has not the form that its type asks for", broken,
     R"(error="bad_payload")"},
    {errc::bad_event_name,
     "an event name is neither a string nor a number, or above max_event_length", broken,
     R"(error="bad_event_name")"},
    {errc::reserved_event_name, "an event has a reserved name", broken,
     R"(error="reserved_event_name")"},
    {errc::invalid_utf8, "a packet's text is not UTF-8", broken, R"(error="invalid_utf8")"},
    {errc::bad_json, "a packet's payload is not JSON", broken, R"(error="bad_json")"},
    {errc::json_too_deep, "a packet's payload is nested too deep", limit,
     R"(error="json_too_deep")"},
    {errc::bad_placeholder,
     "placeholders and attachments do not match: each attachment has exactly one placeholder",
     broken, R"(error="bad_placeholder")"},
    {errc::bad_msgpack, "a packet is not well-formed msgpack", broken, R"(error="bad_msgpack")"},
    {errc::expected_attachment, "text came where an attachment was due", broken,
     R"(error="expected_attachment")"},
    {errc::unexpected_binary, "binary data came where no attachment was due", broken,
     R"(error="unexpected_binary")"},
    {errc::unexpected_text, "text came where packets are msgpack", broken,
     R"(error="unexpected_text")"},
    {errc::packet_too_big,
     "a packet is longer than max_http_buffer_size (for a client: max_message)", limit,
     R"(error="packet_too_big")"},
    {errc::packet_too_slow, "the attachments of a packet did not come within attachments_timeout",
     limit, R"(error="packet_too_slow")"},
    {errc::connect_too_slow, "a client joined no namespace within connect_timeout", limit,
     R"(error="connect_too_slow")"},
    {errc::unexpected_packet, "a packet for a namespace in another state", broken,
     R"(error="unexpected_packet")"},
    {errc::too_many_namespaces, "a client asks for more than max_namespaces", limit,
     R"(error="too_many_namespaces")"},
    {errc::too_many_violations, "more events break their schemas than max_violations allows", limit,
     R"(error="too_many_violations")"},
    {errc::out_of_memory, "no memory is left: memory_limit", limit, R"(error="out_of_memory")"},
    {errc::bad_argument, "an event's arguments are not what its handler takes, or break its schema",
     broken, R"(error="bad_argument")"},
    {errc::handler_failed, "an event's handler threw", condition::misuse,
     R"(error="handler_failed")"},
    {errc::event_refused, "a middleware refused an event", condition::misuse,
     R"(error="event_refused")"},
    {errc::refused_by_peer, "the peer acknowledged with an error", condition::misuse,
     R"(error="refused_by_peer")"},
    {errc::room_refused, "a room was not joined: max_rooms, max_room_length or memory_limit", limit,
     R"(error="room_refused")"},
    {errc::too_many_acks, "an acknowledgement was not asked for: max_pending_acks", limit,
     R"(error="too_many_acks")"},
    {errc::too_many_child_namespaces,
     "a namespace was not made: max_child_namespaces or memory_limit", limit,
     R"(error="too_many_child_namespaces")"},
}};

}  // namespace

const error_row& describe(errc code) noexcept {
    return rows[static_cast<std::size_t>(code) - 1];
}

const std::error_category& error_category() noexcept {
    static const table_category<rows> category("weft.socketio");
    return category;
}

void error_counters::visit(metric_visitor visitor) const {
    for (const error_row& row : rows) {
        visitor({"weft_socketio_errors_total", row.label, "What went wrong with Socket.IO peers.",
                 metric_kind::counter, read(row.code)});
    }
}

}  // namespace weft::socketio
