#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <weft/base/result.hpp>
#include <weft/base/time.hpp>

namespace weft::http {

/// The limits of HTTP connections. **Units**: bytes. For peers that do not read their replies see
/// `stream_limits::write_stall`.
struct options {
    std::size_t max_request_line = 8 * 1024;   ///< With its CRLF; above: 414.
    std::size_t max_header_line = 8 * 1024;    ///< With its CRLF; above: 431.
    std::size_t max_head = 16 * 1024;          ///< Above: 431. At most 65,535.
    std::size_t max_headers = 64;              ///< Above: 431. At most 64.
    std::uint64_t max_body = 1'000'000;        ///< Above: 413. A route may set its own limit.
    std::size_t max_stream_queue = 4'194'304;  ///< Of a streamed reply. Above: drops pieces.

    /// For the first head: since accept, TLS included. For a later head: since its first byte.
    duration head_timeout = std::chrono::seconds(10);
    /// Between two requests.
    duration idle_timeout = std::chrono::seconds(75);
    /// How long a body may be slower than `min_body_rate`, or silent.
    duration body_grace = std::chrono::seconds(10);
    std::uint64_t min_body_rate = 1024;  ///< Bytes per second; below: 408.
    /// For a deferred answer or an undecided upgrade. Then: 503.
    duration reply_timeout = std::chrono::seconds(120);

    /// Host names (without port, IPv6 addresses in brackets) that requests may name; others get
    /// 421, unless they are of `public_origins`. Empty: all. A request of HTTP/1.0 without `Host`
    /// names none and passes.
    std::vector<std::string> allowed_hosts{};
    /// The origins under which the public sees this server, if they differ from what arrives here:
    /// `https://example.org`, `http://localhost:8080`. Their pages are our own.
    std::vector<std::string> public_origins{};
    /// The networks of the proxies in front: `10.0.0.0/8`, `::1`, or `unix` for all unix sockets.
    /// From there `X-Forwarded-For`, `X-Forwarded-Proto`, `X-Forwarded-Host` and `Forwarded` are
    /// believed: `peer` and `request::host` then tell about the client. From elsewhere they mean
    /// nothing. A proxy of the list does not count in `server_options::max_handshakes`.
    std::vector<std::string> trusted_proxies{};

    /// **Errors**: `invalid_argument`. Says which option is wrong and what it may be.
    [[nodiscard]] result<void> check() const;
};

}  // namespace weft::http
