#pragma once

#include <cstdint>
#include <system_error>

#include <weft/base/error.hpp>

namespace weft::cluster {

/// Why a message of another node was not read, or one of ours not written. Such a message is
/// ignored, as Node does.
enum class errc : std::uint8_t {
    malformed_body = 1,
    invalid_utf8,
    body_too_deep,
    too_many_attachments,
    bad_placeholder,
    unknown_type,  ///< Or one that this kind of adapter does not have.
    bad_member,
    bad_event_name,
    other_namespace,
    too_many_rooms,
    too_many_names,
    too_many_sockets,
    out_of_memory,
};

const std::error_category& error_category() noexcept;

inline std::error_code make_error_code(errc e) noexcept {
    return {static_cast<int>(e), error_category()};
}

}  // namespace weft::cluster

template <>
struct std::is_error_code_enum<weft::cluster::errc> : std::true_type {};
