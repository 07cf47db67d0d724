#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <weft/base/result.hpp>

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
    std::string_view origin;    ///< The value of the `Origin` header.
    unsigned origin_count = 0;  ///< How many such headers there were.
    std::string_view host;      ///< The value of the `Host` header.
    bool secure = false;        ///< The request came over TLS.
    bool has_cookie = false;
};

/// Which pages may open connections here. Browsers send the `Origin` of the page and let no page
/// change it; without this check any site could use its visitors' cookies (cross-site WebSocket
/// hijacking).
///
/// Allowed are the request's own origin (scheme of the connection, host and port of `Host`) and
/// listed ones, compared by scheme, host and port after parsing, ASCII case aside. Behind a proxy
/// that ends TLS the own origin is unknown here, so it must be listed. A request without `Origin`
/// comes from no browser and is allowed, unless it carries a cookie.
class origin_policy {
public:
    struct options {
        /// `https://example.org`, `http://localhost:3000`; `null` for opaque origins.
        std::vector<std::string> allowed;
        bool same_origin = true;
        /// Opts out of the check altogether.
        bool any = false;
        /// Allows requests with a cookie and without `Origin`.
        bool cookie_without_origin = false;
    };

    /// **Errors**: `weft::errc::invalid_argument`, naming the entry that is not an origin.
    [[nodiscard]] static result<origin_policy> make(options chosen);

    /// Same origin only.
    origin_policy() = default;

    [[nodiscard]] bool allows(const origin_facts& facts) const noexcept;

private:
    options options_;
};

}  // namespace weft::ws
