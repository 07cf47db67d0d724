#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <weft/auth/algorithm.hpp>
#include <weft/auth/error.hpp>
#include <weft/base/result.hpp>

namespace weft::auth {

/// The longest `kid` of a token or of a key. **Units**: bytes.
inline constexpr std::size_t max_kid = 64;

/// A token in compact form, taken apart and still encoded. **Lifetime**: views into the token.
struct token_parts {
    std::string_view header;
    std::string_view claims;
    std::string_view signature;
    std::string_view signed_part;  ///< Header, dot, claims.
};

/// Exactly three parts, none of them empty. **See**: RFC 7515 section 7.1.
[[nodiscard]] std::optional<token_parts> split_token(std::string_view token) noexcept;

/// What the header of a token may decide: which key and which algorithm of those that we have.
/// Where it says a key can be found, or brings one along, is not even kept.
struct token_header {
    algorithm alg = algorithm::hs256;
    std::optional<std::string> kid;
    std::optional<std::string> type;
};

/// Reads the decoded header. **Errors**: `token_malformed`, `algorithm_not_allowed` for `none` and
/// all that we do not know, `unsupported_header` for `crit` and `b64`.
[[nodiscard]] result<token_header> parse_header(std::string_view json);

/// The registered claims. **Units**: times are seconds since 1970, rounded down.
struct token_claims {
    std::optional<std::string> issuer;
    std::optional<std::string> subject;
    std::optional<std::vector<std::string>> audience;
    std::optional<std::string> id;
    std::optional<std::int64_t> expires;
    std::optional<std::int64_t> not_before;
    std::optional<std::int64_t> issued;
};

/// Reads the decoded claims: times are finite numbers from 0 to 2^53, the others are strings, `aud`
/// also an array of strings. Nothing if not.
[[nodiscard]] std::optional<token_claims> parse_claims(std::string_view json);

}  // namespace weft::auth
