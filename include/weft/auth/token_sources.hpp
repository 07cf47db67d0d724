#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <weft/base/result.hpp>
#include <weft/base/time.hpp>

namespace weft::http {
class handshake;
class request;
}  // namespace weft::http

namespace weft::auth {

/// Where a token was found.
enum class token_source : std::uint8_t {
    authorization,
    subprotocol,
    cookie,
    query,
    first_message,
    socketio_auth,
};

/// Where a token may come from. A place that is not switched on is not looked at.
struct token_sources {
    /// `Authorization: Bearer <token>`: clients that are no browsers.
    bool authorization = true;
    /// Browsers with a WebSocket: `new WebSocket(url, ["our.v1", "bearer.<token>"])`. The server
    /// selects `our.v1` and never echoes the token; a client that offers the token alone gets no
    /// subprotocol, which browsers take for a failure.
    bool subprotocol = false;
    std::string subprotocol_prefix = "bearer.";
    /// A cookie of this name; empty: none. Browsers send it with the requests of any page, so it is
    /// good only together with a list of allowed origins. Make it `HttpOnly`, `Secure`, `SameSite`
    /// and name it `__Host-...`.
    std::string cookie{};
    /// Pages that may use the cookie besides those of the server's own host:
    /// `https://app.example.org`. Others get 403.
    std::vector<std::string> cookie_origins{};
    /// A query parameter of this name; empty: none. URLs end up in logs and histories: for short
    /// lived tickets only.
    std::string query{};
    /// The first message of a WebSocket, if nothing above had one.
    bool first_message = false;
    /// How long a WebSocket may wait with it.
    duration first_message_timeout = std::chrono::seconds(5);
    /// `auth.token` of a Socket.IO client, for each namespace.
    bool socketio_auth = false;

    /// Whether a request can have one: any of the first four.
    [[nodiscard]] bool in_request() const noexcept {
        return authorization || subprotocol || !cookie.empty() || !query.empty();
    }
    /// **Errors**: `invalid_argument`. Says which option is wrong and what it may be.
    [[nodiscard]] result<void> check() const;
};

struct found_token {
    std::string token;
    token_source from;
};

/// The token of a request. Whoever sends two, in one place or in two, is refused: which one counts
/// would be a guess, and another server behind the same proxy might guess otherwise (RFC 6750
/// section 2). It does not look at what the token says.
/// **Errors**: `token_missing`, `token_ambiguous`.
[[nodiscard]] result<found_token> find_token(const http::request& asked, const token_sources& from);
[[nodiscard]] result<found_token> find_token(const http::handshake& asked,
                                             const token_sources& from);

/// Whether a subprotocol that a client offers is its token. It must not be selected, or logged.
[[nodiscard]] bool carries_token(std::string_view subprotocol, const token_sources& from) noexcept;

}  // namespace weft::auth
