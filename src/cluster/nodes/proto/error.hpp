#pragma once

#include <cstdint>
#include <string_view>
#include <system_error>

#include <weft/base/error.hpp>

namespace weft::cluster::nodes {

/// What goes wrong between two nodes, beside what net knows.
enum class errc : std::uint8_t {
    none = 0,
    // Frames: each of these ends the connection.
    unknown_type = 1,
    frame_too_long,
    wrong_size,
    wrong_stream,
    out_of_order,
    malformed_open,
    stream_repeated,
    too_many_streams,
    window_exceeded,
    credit_overflow,
    // Greeting.
    other_version,
    other_node,
    wrong_proof,
    greeting_too_slow,
    // Whom to talk to.
    silent,
    unknown_node,
    unreachable,
    reset_by_node,
};

const std::error_category& error_category() noexcept;
/// The sentence of the table. **Lifetime**: static.
[[nodiscard]] std::string_view describe(errc e) noexcept;

inline std::error_code make_error_code(errc e) noexcept {
    return {static_cast<int>(e), error_category()};
}

}  // namespace weft::cluster::nodes

template <>
struct std::is_error_code_enum<weft::cluster::nodes::errc> : std::true_type {};
