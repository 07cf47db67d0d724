#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <weft/base/time.hpp>

namespace weft::http {

/// The limits of HTTP connections. **Units**: bytes.
struct options {
    std::size_t max_request_line = 8 * 1024;  ///< With its CRLF; above: 414.
    std::size_t max_header_line = 8 * 1024;   ///< With its CRLF; above: 431.
    std::size_t max_head = 16 * 1024;         ///< Above: 431. At most 65,535.
    std::size_t max_headers = 64;             ///< Above: 431. At most 64.
    std::uint64_t max_body = 1'000'000;       ///< Above: 413. A route may have its own.
    std::size_t max_stream_queue =
        4'194'304;  ///< Of one streamed reply; above: pieces are dropped.

    duration head_timeout =
        std::chrono::seconds(10);  ///< From accept, with TLS; or a later request's first byte.
    duration idle_timeout = std::chrono::seconds(60);  ///< Between two requests.
    duration body_grace =
        std::chrono::seconds(10);  ///< Before `min_rate` is asked of a body; longest silence in it.
    duration reply_timeout =
        std::chrono::seconds(120);  ///< For a deferred answer or an undecided upgrade; then 503.
    duration reader_grace = std::chrono::seconds(
        30);  ///< Before `min_rate` is asked of the reply's reader; longest stall.
    std::uint64_t min_rate = 1024;  ///< Per second, of bodies and of replies.

    /// Host names (without port) that requests may name; others get 421. Empty: all.
    std::vector<std::string> allowed_hosts;
};

}  // namespace weft::http
