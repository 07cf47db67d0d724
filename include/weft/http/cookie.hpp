#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <weft/base/time.hpp>

namespace weft::http {

/// Which requests from other sites carry a cookie.
enum class same_site : std::uint8_t {
    strict,  ///< None.
    lax,     ///< Those of a link that leads here.
    none,    ///< All. Browsers require `secure` with it, so it is added.
};

/// A cookie to set: `response::set_cookie`. The defaults are those of a session cookie that scripts
/// cannot read.
struct cookie {
    std::string name{};
    /// Any text. Bytes that a cookie cannot hold are percent-encoded; `request::cookie` decodes
    /// them.
    std::string value{};
    std::string path = "/";
    std::string domain{};               ///< Empty: this host only.
    std::optional<duration> max_age{};  ///< None: until the browser closes. 0: delete it.
    bool http_only = true;              ///< Hidden from scripts.
    bool secure = false;                ///< Over TLS only.
    http::same_site same_site = http::same_site::lax;
    bool partitioned = false;  ///< A separate cookie for each site that embeds us; needs `secure`.
};

/// The value of the `Set-Cookie` line. Adds `Secure` where browsers would ignore the cookie without
/// it. **Errors**: returns an empty text if the cookie cannot be sent: its name is not a token, its
/// path or domain has a ';' or a control character, or its name begins with `__Host-` and it has a
/// domain or a path other than "/".
[[nodiscard]] std::string to_string(const cookie& c);

/// The decoded value of a cookie in a `Cookie` header. Nothing if it is absent or its encoding is
/// broken. Of several with one name the first counts: browsers send the most specific first.
[[nodiscard]] std::optional<std::string> cookie_value(std::string_view header,
                                                      std::string_view name);

}  // namespace weft::http
