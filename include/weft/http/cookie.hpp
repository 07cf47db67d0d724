#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <weft/base/time.hpp>

namespace weft::http {

/// Which requests of other sites carry a cookie.
enum class same_site : std::uint8_t {
    strict,  ///< None.
    lax,     ///< A click that leads here.
    none,    ///< All; browsers want `secure` with it, so it is set.
};

/// A cookie to set: `response::set_cookie`. The defaults are those of a session cookie that scripts
/// cannot read.
struct cookie {
    std::string name{};
    /// Any text: bytes that a cookie cannot hold are percent-encoded, and decoded again by
    /// `request::cookie`.
    std::string value{};
    std::string path = "/";
    std::string domain{};               ///< Empty: this host only.
    std::optional<duration> max_age{};  ///< None: until the browser ends. 0: delete it.
    bool http_only = true;              ///< Hidden from scripts.
    bool secure = false;                ///< Over TLS only.
    http::same_site same_site = http::same_site::lax;
    bool partitioned = false;  ///< One for each site that embeds this one; needs `secure`.
};

/// The value of the `Set-Cookie` line; empty when it cannot be sent: the name is not a token, the
/// path or domain holds a ';' or a control character, or the name begins with `__Host-` and it is
/// not for this host and path "/" only. Where the browser would ignore it without `Secure`, that is
/// added.
[[nodiscard]] std::string to_string(const cookie& c);

/// The value of a cookie in the `Cookie` lines of a request, decoded; nothing when it is not there
/// or its encoding is broken. The first one counts: browsers send the most specific first.
[[nodiscard]] std::optional<std::string> cookie_value(std::string_view header,
                                                      std::string_view name);

}  // namespace weft::http
