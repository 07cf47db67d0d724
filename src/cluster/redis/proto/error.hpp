#pragma once

#include <cstdint>
#include <system_error>

#include <weft/base/error.hpp>

namespace weft::cluster::redis {

/// What goes wrong between us and a Redis server, beside what net knows.
enum class errc : std::uint8_t {
    // Replies.
    malformed_reply = 1,
    streamed_reply,
    bulk_too_long,
    too_many_elements,
    reply_too_deep,
    reply_too_long,
    unexpected_reply,
    // Commands.
    refused_by_server,  ///< An error reply; the error's sentence is the server's.
    queue_full,
    connection_lost,
    // Whom to talk to.
    no_master,
    not_a_master,
    redirected_too_often,
    no_node,
};

const std::error_category& error_category() noexcept;

inline std::error_code make_error_code(errc e) noexcept {
    return {static_cast<int>(e), error_category()};
}

}  // namespace weft::cluster::redis

template <>
struct std::is_error_code_enum<weft::cluster::redis::errc> : std::true_type {};
