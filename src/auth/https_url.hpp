#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <weft/base/result.hpp>

namespace weft::auth {

/// Where a key set is fetched.
struct https_url {
    std::string host;       ///< Without brackets.
    std::string authority;  ///< The value of `Host`.
    std::uint16_t port = 443;
    std::string target;  ///< Path and query.

    /// **Errors**: `invalid_argument`: not https, user information, a fragment, bytes that no
    /// request line may have.
    static result<https_url> parse(std::string_view text);
};

}  // namespace weft::auth
