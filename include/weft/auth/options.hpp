#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include <weft/auth/algorithm.hpp>
#include <weft/auth/key_source.hpp>
#include <weft/auth/token_sources.hpp>
#include <weft/base/result.hpp>
#include <weft/base/time.hpp>

namespace weft::auth {

/// Whose tokens are good, and for what. A token belongs to the issuer that its `iss` names; the
/// keys of another do not count.
struct issuer {
    std::string name{};  ///< `iss`, exactly.
    key_source keys{};
    /// What it signs with. A token's `alg` only chooses among these.
    std::vector<algorithm> algorithms{};
    /// What we are called. `aud` must have one of these.
    std::vector<std::string> audience{};
    /// `typ`, for example `at+jwt`, so that a token for another purpose is not good here. Empty:
    /// not looked at.
    std::string type{};
    /// False: a token may have no `sub`; its identity has no subject then.
    bool require_subject = true;
    /// False: a token may have no `aud`. If it has one, that must be right all the same.
    bool require_audience = true;
};

/// What `verifier::make` makes a verifier of. A token must have `iss`, `exp`, `aud` and `sub`;
/// `nbf` and `iat` count if it has them.
struct options {
    std::vector<issuer> issuers{};
    token_sources from{};

    /// How far the clocks of issuer and server may be apart; at most 120 s.
    std::chrono::seconds leeway = std::chrono::seconds(30);
    /// From `iat` to `exp`; without `iat`, from now.
    std::chrono::seconds max_lifetime = std::chrono::hours(24);
    /// **Units**: bytes. At most 64 KiB.
    std::size_t max_token = 8 * 1024;

    /// Until a key set is fetched again. A file is looked at every five seconds.
    duration refresh = std::chrono::minutes(10);
    /// How long the last good key set counts after it was last fetched, while fetching fails. Then
    /// its issuer's tokens get `keys_unavailable`. Use never makes it longer. At least `refresh`.
    duration stale_for = std::chrono::hours(1);
    /// For one fetch.
    duration fetch_timeout = std::chrono::seconds(10);

    /// Verified tokens that are remembered until they expire, so that a client that comes back
    /// costs no signature. HMAC is too cheap to remember. 0: none.
    std::size_t max_cached = 10'000;
    /// The same in bytes.
    std::size_t max_cache_bytes = 16 * 1024 * 1024;
    /// Tokens that wait for a thread to verify them, over all loops. Above: `too_busy`.
    std::size_t max_waiting = 1024;
    /// Revocations that are remembered, each until the tokens that it revokes have expired. Above:
    /// revoking fails.
    std::size_t max_revocations = 100'000;

    /// **Errors**: `invalid_argument`. Says which option is wrong and what it may be. It does not
    /// load keys.
    [[nodiscard]] result<void> check() const;
};

}  // namespace weft::auth
