#pragma once

#include <cstdint>
#include <string_view>

#include <weft/base/error.hpp>

namespace weft::socketio {

/// Everything that can go wrong with a Socket.IO peer. `describe` has a row for each.
enum class errc : std::uint8_t {
    // Packets. Each of these ends the connection.
    unknown_packet_type = 1,
    bad_attachment_count,
    bad_namespace,
    bad_ack_id,
    bad_payload,
    bad_event_name,
    reserved_event_name,
    invalid_utf8,
    bad_json,
    json_too_deep,
    bad_placeholder,
    bad_msgpack,
    expected_attachment,
    unexpected_binary,
    unexpected_text,
    packet_too_big,
    packet_too_slow,
    connect_too_slow,
    unexpected_packet,
    too_many_namespaces,
    too_many_violations,
    out_of_memory,  ///< The server's `memory_limit` is reached.
    // Events. The connection goes on.
    bad_argument,
    handler_failed,
    event_refused,
    refused_by_peer,
    // What a socket asked for, or was to get. The connection goes on.
    room_refused,
    too_many_acks,
    too_many_child_namespaces,
};

/// The number of errors, for tables with one entry per error. The index is the value minus 1.
inline constexpr std::size_t errc_count = static_cast<std::size_t>(errc::too_many_child_namespaces);

/// What an error means.
struct error_row {
    errc code;
    std::string_view text;  ///< A sentence for people.
    condition kind;
    std::string_view label;  ///< The label of its counter, as in `error="bad_json"`.
};

/// The row of an error. **Cost**: an array access.
[[nodiscard]] const error_row& describe(errc code) noexcept;

/// The category "weft.socketio".
[[nodiscard]] const std::error_category& error_category() noexcept;

inline std::error_code make_error_code(errc e) noexcept {
    return {static_cast<int>(e), error_category()};
}

}  // namespace weft::socketio

template <>
struct std::is_error_code_enum<weft::socketio::errc> : std::true_type {};
