#pragma once

#include <cstdint>
#include <string_view>

#include <weft/base/error.hpp>
#include <weft/ws/close_code.hpp>

namespace weft::ws {

/// Everything that ends a WebSocket or its handshake by our decision. `describe` has a row for
/// each.
enum class errc : std::uint8_t {
    // Frames.
    reserved_bits = 1,
    reserved_opcode,
    fragmented_control,
    unexpected_continuation,
    expected_continuation,
    unmasked_frame,
    masked_frame,
    control_too_long,
    non_minimal_length,
    length_overflow,
    bad_close_payload,
    bad_close_code,
    // Messages.
    invalid_utf8,
    bad_deflate_data,
    message_too_big,
    too_many_fragments,
    control_flood,
    out_of_budget,
    message_too_slow,
    too_fast,
    invalid_message,  ///< It breaks `options::schema`.
    too_many_violations,
    slow_consumer,
    shed,
    identity_expired,  ///< `identity::expires` of the peer has passed.
    handler_failed,
    // The request of an opening handshake.
    bad_method,
    bad_http_version,
    body_in_upgrade,
    bad_upgrade,
    bad_connection,
    bad_key,
    bad_version,
    unsupported_version,
    bad_subprotocol,
    bad_extensions,
    origin_refused,
    // The response, seen by a client.
    not_switching,
    bad_accept,
    unexpected_subprotocol,
    unexpected_extensions,
};

/// The number of errors, for tables with one entry per error. The index is the value minus 1.
inline constexpr std::size_t errc_count = static_cast<std::size_t>(errc::unexpected_extensions);

/// What an error means and causes.
struct error_row {
    errc code;
    std::string_view text;  ///< A sentence for people.
    /// The code in our close frame; `abnormal` if we cannot send a close frame.
    close_code close;
    std::uint16_t status;  ///< The HTTP status of the refusal; 0 if there is no response.
    condition kind;
    std::string_view label;  ///< The label of its counter, as in `error="bad_key"`.
};

/// The row of an error. **Cost**: an array access.
[[nodiscard]] const error_row& describe(errc code) noexcept;

/// The category "weft.ws".
[[nodiscard]] const std::error_category& error_category() noexcept;

inline std::error_code make_error_code(errc e) noexcept {
    return {static_cast<int>(e), error_category()};
}

}  // namespace weft::ws

template <>
struct std::is_error_code_enum<weft::ws::errc> : std::true_type {};
