#pragma once

#include <cstdint>
#include <string_view>
#include <system_error>

namespace weft::http {

/// Everything that ends a request, and misuse of a reply. The table in `src/http/error.cpp` has the
/// status and the counter of each.
enum class errc : std::uint8_t {
    none = 0,
    bad_request_line,       ///< 400
    unknown_method,         ///< 501
    bad_target,             ///< 400: not a path, or an ambiguous one
    unsupported_version,    ///< 505
    request_line_too_long,  ///< 414
    bad_line_end,           ///< 400: a CR or LF that stands alone
    bad_header,             ///< 400: name, colon, folding or forbidden bytes
    header_too_long,        ///< 431
    too_many_headers,       ///< 431
    bad_host,               ///< 400: none, several, malformed, or not that of the target
    bad_content_length,     ///< 400
    conflicting_framing,    ///< 400: more than one header says where the body ends
    unsupported_coding,     ///< 501
    body_too_large,         ///< 413
    bad_chunk,              ///< 400
    trailers_too_large,     ///< 431
    unknown_expectation,    ///< 417
    upgrade_with_body,      ///< 400
    too_much_traffic,       ///< 429: a limit of `server_options::traffic`
    too_many_connects,      ///< 503: above `loop_budgets::connects_per_second`
    too_many_late,          ///< 408: it gave way; `server_options::max_handshakes`
    misdirected,            ///< 421: a Host that is not in `options::allowed_hosts`
    head_too_slow,          ///< closed without a reply
    body_too_slow,          ///< 408
    out_of_memory,          ///< 503: the memory limit leaves no room for a body
    reply_too_slow,         ///< 503: a deferred answer did not come in time
    handler_failed,         ///< 500: the handler threw, or dropped its responder
    body_incomplete,        ///< cut: a stream let go unfinished, or a file that became shorter
    idle,                   ///< closed: no next request came
    bad_status_line,        ///< responses only
    gone,                   ///< the reply came after the connection ended
    already_answered,       ///< a second answer to one request
    wrong_thread,           ///< a reply from a thread that does not own the connection
};

/// The status a server answers this error with; 0 when it answers nothing.
[[nodiscard]] int status_of(errc e) noexcept;

/// The standard reason phrase: "Not Found" for 404; empty for an unknown status.
[[nodiscard]] std::string_view reason_of(int status) noexcept;

const std::error_category& category() noexcept;

inline std::error_code make_error_code(errc e) noexcept {
    return {static_cast<int>(e), category()};
}

}  // namespace weft::http

template <>
struct std::is_error_code_enum<weft::http::errc> : std::true_type {};
