#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace weft::ws {

/// An origin taken apart. **Lifetime**: views into the parsed text.
struct origin_parts {
    std::string_view scheme;
    std::string_view host;
    std::uint16_t port = 0;  ///< 0 when the scheme has no default and none was given.
};

/// Parses `scheme://host[:port]` and nothing else: no path, no userinfo, no trailing dot, ASCII
/// only. **Errors**: nothing. **See**: RFC 6454 section 6.2.
[[nodiscard]] std::optional<origin_parts> parse_origin(std::string_view text) noexcept;

/// What the policy looks at in a request.
struct origin_facts {
    std::string_view origin{};      ///< The value of the `Origin` header.
    unsigned origin_count = 0;      ///< How many such headers there were.
    std::string_view host{};        ///< What the client asked for: `http::request::host`.
    std::string_view fetch_site{};  ///< The value of the `Sec-Fetch-Site` header.
    bool secure = false;            ///< The client came over TLS.
    bool by_proxy = false;          ///< A trusted proxy says so.
    std::span<const std::string> public_origins{};  ///< The server's own.
};

/// Which pages may open connections here. Browsers send the `Origin` of the page and let no page
/// change it; without this check any site could use its visitors' cookies (cross-site WebSocket
/// hijacking).
///
/// A page of a browser is allowed when
/// - its origin is the request's own: scheme of the connection, host and port that it asked for;
/// - or it has https and that host name, while TLS does not end here: a proxy ends it, and may hide
///   the port;
/// - or it is one of the server's public origins;
/// - or the browser says `Sec-Fetch-Site: same-origin`, a header that no page can set;
/// - or it is listed. A listed origin is compared by scheme, host and port, ASCII case aside, with
///   `ws` for `http` and `wss` for `https`. Any other listed text allows the very same text.
///
/// What no page of a browser can send is sent by a program, which is allowed: no `Origin` at all
/// (RFC 6455 section 4.1: browsers send it with every WebSocket), or one that is not what browsers
/// make of an origin, `scheme://host[:port]` or `null` (HTML, "serialization of an origin"), such
/// as `wss://host`, `http://host/` and `file://`. Several origins are refused.
class origin_policy {
public:
    struct options {
        /// `https://example.org`, `http://localhost:3000`; `null` for opaque origins.
        std::vector<std::string> allowed{};
        bool same_origin = true;
        /// Opts out of the check altogether.
        bool any = false;
    };

    explicit origin_policy(options chosen) : options_(std::move(chosen)) {}
    /// Same origin only.
    origin_policy() = default;

    [[nodiscard]] bool allows(const origin_facts& facts) const noexcept;

private:
    [[nodiscard]] bool is_own(const origin_parts& origin, const origin_facts& facts) const noexcept;

    options options_;
};

}  // namespace weft::ws
