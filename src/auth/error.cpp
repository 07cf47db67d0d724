// The one table of every reason to refuse a token: status, counter, words. The log is told the rule
// and its option; the client only what it can do about it, so that nobody can feel their way to a
// token that passes.

#include "auth/error_table.hpp"

#include "base/error_table.hpp"

namespace weft::auth {
namespace {

constexpr std::string_view invalid = "invalid token";
constexpr std::string_view later_again = "cannot verify tokens now, try again";

constexpr std::array<error_row, error_count> rows{{
    {errc::token_missing, 401, R"(error="token_missing")",
     "no token at any place that auth::options::from allows", "a token is required",
     condition::protocol_violation},
    {errc::foreign_page, 403, R"(error="foreign_page")",
     "the token is a cookie, and the page is neither of this host nor in cookie_origins",
     "the page may not use this cookie", condition::protocol_violation},
    {errc::token_ambiguous, 400, R"(error="token_ambiguous")",
     "more than one token (see auth::options::from)", "more than one token",
     condition::protocol_violation},
    {errc::token_too_long, 401, R"(error="token_too_long")", "a token is longer than max_token",
     invalid, condition::limit_exceeded},
    {errc::token_malformed, 401, R"(error="token_malformed")", "no compact JWS with JSON claims",
     invalid, condition::protocol_violation},
    {errc::algorithm_not_allowed, 401, R"(error="algorithm_not_allowed")",
     "the alg of a token is not in issuer::algorithms", invalid, condition::protocol_violation},
    {errc::unsupported_header, 401, R"(error="unsupported_header")",
     "the header of a token has crit or b64", invalid, condition::protocol_violation},
    {errc::wrong_type, 401, R"(error="wrong_type")", "the typ of a token is not issuer::type",
     invalid, condition::protocol_violation},
    {errc::unknown_key, 401, R"(error="unknown_key")",
     "issuer::keys has no key of a token's kid and alg", invalid, condition::protocol_violation},
    {errc::bad_signature, 401, R"(error="bad_signature")", "the signature of a token is wrong",
     invalid, condition::protocol_violation},
    {errc::missing_claim, 401, R"(error="missing_claim")",
     "a token lacks exp, iss, aud or sub (see issuer::require_audience, require_subject)", invalid,
     condition::protocol_violation},
    {errc::token_expired,
     401,
     R"(error="token_expired")",
     "a token has expired",
     "token expired",
     {}},
    {errc::not_yet_valid, 401, R"(error="not_yet_valid")",
     "nbf or iat of a token is later than now and leeway", invalid, condition::protocol_violation},
    {errc::lifetime_too_long, 401, R"(error="lifetime_too_long")",
     "a token is good for longer than max_lifetime", invalid, condition::limit_exceeded},
    {errc::wrong_issuer, 401, R"(error="wrong_issuer")",
     "the iss of a token is that of no issuer::name", invalid, condition::protocol_violation},
    {errc::wrong_audience, 401, R"(error="wrong_audience")",
     "the aud of a token has nothing of issuer::audience", invalid, condition::protocol_violation},
    {errc::revoked, 401, R"(error="revoked")", "a token was revoked", invalid, {}},
    {errc::keys_unavailable,
     503,
     R"(error="keys_unavailable")",
     "the key set was not fetched yet, or not for longer than stale_for",
     later_again,
     {}},
    {errc::too_busy, 503, R"(error="too_busy")", "more tokens than max_waiting wait to be verified",
     later_again, condition::limit_exceeded},
}};

}  // namespace

const std::array<error_row, error_count>& error_rows() noexcept {
    return rows;
}

const error_row& row_of(errc e) noexcept {
    return rows[static_cast<std::size_t>(e) - 1];
}

int status_of(errc e) noexcept {
    return row_of(e).status;
}

std::string_view client_text(errc e) noexcept {
    return row_of(e).client;
}

std::string_view log_text(errc e) noexcept {
    return row_of(e).text;
}

errc errc_of(const error& why) noexcept {
    return why.code().category() == category() ? static_cast<errc>(why.code().value())
                                               : errc::token_malformed;
}

refusal refuse(errc why) {
    const error_row& row = row_of(why);
    refusal no(row.status, row.client);
    if (row.status == 403) return no;
    if (row.status == 503) return std::move(no).header("Retry-After", "1");
    // A client that showed nothing is told the scheme alone (RFC 6750 section 3.1).
    if (why == errc::token_missing) return std::move(no).header("WWW-Authenticate", "Bearer");
    std::string challenge = R"(Bearer error=")";
    challenge += row.status == 400 ? "invalid_request" : "invalid_token";
    challenge.append(R"(", error_description=")").append(row.client).append("\"");
    return std::move(no).header("WWW-Authenticate", challenge);
}

const std::error_category& category() noexcept {
    static const table_category<rows> instance("weft.auth");
    return instance;
}

}  // namespace weft::auth
