#pragma once

#include <cstdint>
#include <string_view>
#include <system_error>

#include <weft/base/admission.hpp>
#include <weft/base/error.hpp>

namespace weft::auth {

/// Every reason to refuse a token. The table in `src/auth/error.cpp` has, for each, the status, the
/// label of its counter, the words for the log (they name the option) and those for the client.
enum class errc : std::uint8_t {
    token_missing = 1,      ///< No source has a token.
    foreign_page,           ///< A cookie, with the `Origin` of a page that may not use it.
    token_ambiguous,        ///< Two places have one.
    token_too_long,         ///< Longer than `options::max_token`.
    token_malformed,        ///< No compact JWS, or its header or claims are no valid JSON object.
    algorithm_not_allowed,  ///< `alg` is not in `issuer::algorithms`.
    unsupported_header,     ///< `crit` or `b64`.
    wrong_type,             ///< `typ` is not `issuer::type`.
    unknown_key,            ///< No key of the issuer has this `kid` and fits the algorithm.
    bad_signature,
    missing_claim,  ///< `exp`, `iss`, `aud` or `sub`.
    token_expired,
    not_yet_valid,      ///< `nbf` or `iat` is in the future.
    lifetime_too_long,  ///< Longer than `options::max_lifetime`.
    wrong_issuer,
    wrong_audience,
    revoked,
    keys_unavailable,  ///< The issuer's key set was never loaded, or is older than `stale_for`.
    too_busy,          ///< `options::max_waiting` verifications wait.
};

/// The status of the answer: 401, 400 for an ambiguous request, 503 if it is our fault.
[[nodiscard]] int status_of(errc e) noexcept;

/// What the client may know: "token expired", "a token is required", "invalid token", or why to
/// come back. **Lifetime**: static.
[[nodiscard]] std::string_view client_text(errc e) noexcept;

/// What the log says, with the option that decided. Never a part of the token. **Lifetime**:
/// static, so it may name the kind of a `refusal_log` line.
[[nodiscard]] std::string_view log_text(errc e) noexcept;

/// The code as one of this layer; `token_malformed` for any other code.
[[nodiscard]] errc errc_of(const error& why) noexcept;

/// The answer to a client: status, generic words, `WWW-Authenticate` (RFC 6750 section 3) for 401
/// and 400, `Retry-After` for 503.
[[nodiscard]] refusal refuse(errc why);

const std::error_category& category() noexcept;

inline std::error_code make_error_code(errc e) noexcept {
    return {static_cast<int>(e), category()};
}

}  // namespace weft::auth

template <>
struct std::is_error_code_enum<weft::auth::errc> : std::true_type {};
