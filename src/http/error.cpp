// The one table of everything that can end an HTTP exchange: what it is called, which status
// answers it, which condition users test for. The counters take their label from here, so an error
// cannot exist without one.

#include "http/error_table.hpp"

#include <array>

#include "base/error_table.hpp"

namespace weft::http {
namespace {

constexpr std::array<error_row, error_count> rows{{
    {errc::none, 0, R"(error="none")", "no error", {}},
    {errc::bad_request_line, 400, R"(error="bad_request_line")", "malformed request line",
     condition::protocol_violation},
    {errc::unknown_method, 501, R"(error="unknown_method")", "unknown method",
     condition::protocol_violation},
    {errc::bad_target, 400, R"(error="bad_target")", "malformed or ambiguous request target",
     condition::protocol_violation},
    {errc::unsupported_version, 505, R"(error="unsupported_version")",
     "neither HTTP/1.0 nor HTTP/1.1", condition::protocol_violation},
    {errc::request_line_too_long, 414, R"(error="request_line_too_long")",
     "the request line is longer than max_request_line", condition::limit_exceeded},
    {errc::bad_line_end, 400, R"(error="bad_line_end")", "a CR or LF stands alone",
     condition::protocol_violation},
    {errc::bad_header, 400, R"(error="bad_header")", "malformed header line",
     condition::protocol_violation},
    {errc::header_too_long, 431, R"(error="header_too_long")",
     "a header line is longer than max_header_line, or the head than max_head",
     condition::limit_exceeded},
    {errc::too_many_headers, 431, R"(error="too_many_headers")",
     "the request has more than max_headers headers", condition::limit_exceeded},
    {errc::bad_host, 400, R"(error="bad_host")",
     "Host is missing, repeated, malformed or contradicts the target",
     condition::protocol_violation},
    {errc::bad_content_length, 400, R"(error="bad_content_length")",
     "Content-Length is not a number", condition::protocol_violation},
    {errc::conflicting_framing, 400, R"(error="conflicting_framing")",
     "more than one header frames the body", condition::protocol_violation},
    {errc::unsupported_coding, 501, R"(error="unsupported_coding")", "unknown transfer coding",
     condition::protocol_violation},
    {errc::body_too_large, 413, R"(error="body_too_large")",
     "the body is larger than max_body (of Socket.IO: max_http_buffer_size)",
     condition::limit_exceeded},
    {errc::bad_chunk, 400, R"(error="bad_chunk")", "malformed chunk",
     condition::protocol_violation},
    {errc::trailers_too_large, 431, R"(error="trailers_too_large")",
     "trailers or chunk extensions are larger than 8 KiB or 4 KiB", condition::limit_exceeded},
    {errc::unknown_expectation, 417, R"(error="unknown_expectation")",
     "an expectation other than 100-continue", condition::protocol_violation},
    {errc::upgrade_with_body, 400, R"(error="upgrade_with_body")",
     "a request to upgrade has a body", condition::protocol_violation},
    {errc::too_much_traffic, 429, R"(error="too_much_traffic")",
     "requests come faster than traffic.per_address allows", condition::limit_exceeded},
    {errc::too_many_connects, 503, R"(error="too_many_connects")",
     "more clients connect than connects_per_second allows", condition::limit_exceeded},
    {errc::too_many_late, 408, R"(error="too_many_late")",
     "too many connections have not sent their first request "
     "(max_handshakes_per_address, max_handshakes)",
     condition::limit_exceeded},
    {errc::misdirected, 421, R"(error="misdirected")",
     "the Host is in neither public_origins nor allowed_hosts", condition::protocol_violation},
    {errc::head_too_slow, 0, R"(error="head_too_slow")",
     "the request head did not come within head_timeout", condition::timed_out},
    {errc::body_too_slow, 408, R"(error="body_too_slow")",
     "the body came slower than min_body_rate, or paused for body_grace", condition::timed_out},
    {errc::out_of_memory, 503, R"(error="out_of_memory")",
     "no memory is left for request bodies: memory_limit", condition::limit_exceeded},
    {errc::reply_too_slow, 503, R"(error="reply_too_slow")",
     "no answer was given within reply_timeout", condition::timed_out},
    {errc::handler_failed, 500, R"(error="handler_failed")", "the handler threw or gave no answer",
     condition::misuse},
    {errc::body_incomplete, 0, R"(error="body_incomplete")",
     "a reply was cut before it was whole: its handler let it go, or its file became shorter",
     condition::misuse},
    {errc::idle, 0, R"(error="idle")", "no further request came within idle_timeout",
     condition::timed_out},
    {errc::bad_status_line, 0, R"(error="bad_status_line")", "malformed status line",
     condition::protocol_violation},
    {errc::gone, 0, R"(error="gone")", "the connection has ended", condition::peer_gone},
    {errc::already_answered, 0, R"(error="already_answered")", "the request was answered already",
     condition::misuse},
    {errc::wrong_thread, 0, R"(error="wrong_thread")",
     "called from a thread that does not own the connection", condition::misuse},
}};

}  // namespace

const error_row& row_of(errc e) noexcept {
    return rows[static_cast<std::size_t>(e)];
}

int status_of(errc e) noexcept {
    return row_of(e).status;
}

const std::error_category& category() noexcept {
    static const table_category<rows> instance("weft.http");
    return instance;
}

std::string_view reason_of(int status) noexcept {
    switch (status) {
        case 100: return "Continue";
        case 101: return "Switching Protocols";
        case 200: return "OK";
        case 201: return "Created";
        case 202: return "Accepted";
        case 204: return "No Content";
        case 206: return "Partial Content";
        case 301: return "Moved Permanently";
        case 302: return "Found";
        case 303: return "See Other";
        case 304: return "Not Modified";
        case 307: return "Temporary Redirect";
        case 308: return "Permanent Redirect";
        case 400: return "Bad Request";
        case 401: return "Unauthorized";
        case 403: return "Forbidden";
        case 404: return "Not Found";
        case 405: return "Method Not Allowed";
        case 406: return "Not Acceptable";
        case 408: return "Request Timeout";
        case 409: return "Conflict";
        case 410: return "Gone";
        case 412: return "Precondition Failed";
        case 413: return "Content Too Large";
        case 414: return "URI Too Long";
        case 415: return "Unsupported Media Type";
        case 416: return "Range Not Satisfiable";
        case 417: return "Expectation Failed";
        case 421: return "Misdirected Request";
        case 422: return "Unprocessable Content";
        case 426: return "Upgrade Required";
        case 429: return "Too Many Requests";
        case 431: return "Request Header Fields Too Large";
        case 500: return "Internal Server Error";
        case 501: return "Not Implemented";
        case 502: return "Bad Gateway";
        case 503: return "Service Unavailable";
        case 504: return "Gateway Timeout";
        case 505: return "HTTP Version Not Supported";
        default: return {};
    }
}

}  // namespace weft::http
