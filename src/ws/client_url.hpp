#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <weft/base/result.hpp>

#include "http/tunnel.hpp"

namespace weft::ws {

/// Where a client connects to: a URL taken apart and checked.
struct client_url {
    bool secure = false;
    std::string host;  // in lower case, without brackets; empty for a unix socket
    std::uint16_t port = 0;
    std::string unix_path;
    std::string target;     // path and query, as on the request line
    std::string user_info;  // "user:password", decoded; empty for none

    /// ws, wss, http, https, or ws+unix. **Errors**: `invalid_argument`; the text never repeats the
    /// URL, which may hold a password.
    static result<client_url> parse(std::string_view text);

    /// Where a `Location` of a response from here leads (RFC 3986 section 5.2). **Errors**: as
    /// `parse`; other schemes, user information, and plain from secure are refused.
    [[nodiscard]] result<client_url> resolve(std::string_view location) const;

    /// The value of the `Host` header.
    [[nodiscard]] std::string authority() const;
    /// Same scheme, host and port: credentials meant for the one may go to the other.
    [[nodiscard]] bool same_origin(const client_url& other) const noexcept;
};

/// The proxy of an option: `http://user:password@host:port`. **Errors**: `invalid_argument`; the
/// text never repeats the URL.
[[nodiscard]] result<http::client_proxy> proxy_of(std::string_view url);

}  // namespace weft::ws
