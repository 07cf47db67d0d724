#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <weft/auth/error.hpp>
#include <weft/auth/options.hpp>
#include <weft/base/admission.hpp>
#include <weft/base/metrics.hpp>
#include <weft/base/result.hpp>
#include <weft/base/shared_function.hpp>
#include <weft/base/task.hpp>
#include <weft/base/time.hpp>
#include <weft/net/loop.hpp>

namespace weft::auth {

class verifier_core;

/// What was revoked, for those that keep connections open.
struct revocation {
    std::string token_id{};  ///< `jti`; empty: any token.
    std::string subject{};   ///< `sub`; empty: anybody.
    /// Issued then or before; tokens without `iat` count as such.
    std::chrono::system_clock::time_point issued_until =
        std::chrono::system_clock::time_point::max();

    /// Whether this identity came from a revoked token. **Cost**: reads the claims, unless the
    /// subject is another.
    [[nodiscard]] bool covers(const identity& who) const;
};

/// Decides who the bearer of a token is. A handle: copies share keys, cache and revocations, so one
/// verifier serves several servers and endpoints.
///
///     weft::auth::options options;
///     options.issuers.push_back({
///         .name = "https://id.example.org",
///         .keys = weft::auth::key_source::jwks_url("https://id.example.org/jwks.json"),
///         .algorithms = {weft::auth::algorithm::es256},
///         .audience = {"chat"},
///     });
///     auto verifier = weft::auth::verifier::make(std::move(options));
///
/// A token is refused by the first rule that it breaks, cheap rules first: the signature is looked
/// at when all else is right. What a token says about where its key is found (`jku`, `jwk`, `x5u`,
/// `x5c`) does not count; `crit` and `b64` are refused. **See**: RFC 7515, 7519, 8725.
/// **Threads**: any, unless said otherwise.
class verifier {
public:
    /// Checks the options, and loads all keys but those at URLs. Blocks on the file system.
    /// **Errors**: `invalid_argument`. Says which option is wrong, or what is wrong with the key.
    static result<verifier> make(auth::options options);

    /// Verifies a token here and now, on this thread, for tests and tools. `now` is what its times
    /// are compared with; `identity::expires` counts from `from`.
    /// **Errors**: those of `auth::errc`. **Cost**: up to half a millisecond (`es384`).
    [[nodiscard]] result<identity> verify(
        std::string_view token,
        std::chrono::system_clock::time_point now = std::chrono::system_clock::now(),
        time_point from = steady_clock::now()) const;

    /// The answer if it needs no slow signature: the token breaks a cheap rule, is in the cache, or
    /// is signed with HMAC. Else nothing: call the other `verify`. **Threads**: the loop's.
    [[nodiscard]] std::optional<result<identity>> try_verify(std::string_view token,
                                                             const loop_ref& loop) const;
    /// As `try_verify`; a slow signature is verified on a thread of the loop's pool. If the key set
    /// is being fetched, or may be because the `kid` is unknown, waits for it (`fetch_timeout`).
    /// **Threads**: the loop's, where it goes on. **Lifetime**: if the loop goes first, the task is
    /// destroyed. **Errors**: also `too_busy`.
    [[nodiscard]] task<result<identity>> verify(loop_ref loop, std::string token) const;

    /// Lets `loop` fetch key sets and look at files. A server that is given the verifier calls it
    /// with its first loop. Several loops may be given: one that is there does the work. Without
    /// any, files stay as they were at the start, and the keys of URLs are `keys_unavailable`.
    /// Before the loop runs or while it does.
    void start(const loop_ref& loop) const;

    /// Trusts these issuers in place of those before, for tokens that come from now on. An issuer
    /// that is as before keeps the key set that was fetched last. Who is connected stays until the
    /// token ends. Blocks on the file system. **Errors**: as `make`; nothing changes then.
    result<void> change_issuers(std::vector<issuer> issuers) const;

    /// Revokes the token with this `jti`, until no token can have it any more (`max_lifetime`).
    /// A revocation holds for the cache, for new connections, and for open ones if their server
    /// has the verifier. **Errors**: `invalid_argument` if empty; `limit_exceeded`: the table of
    /// `max_revocations` is full, and nothing was revoked.
    result<void> revoke_token(std::string_view id) const;
    /// Revokes what was issued to this subject up to now, by any issuer. Tokens that are issued
    /// later are good: `iat` has seconds, so one of this same second is not.
    result<void> revoke_subject(std::string_view subject) const;
    /// Revokes what was issued then or before: to `subject`, or to everybody if that is empty.
    result<void> revoke_issued_before(std::chrono::system_clock::time_point when,
                                      std::string_view subject = {}) const;
    /// Whether the token of this identity was revoked. **Cost**: reads the claims if anything is
    /// revoked at all.
    [[nodiscard]] bool revoked(const identity& who) const;

    /// Has `tell` called for each revocation, once it holds, on the thread that revoked, until the
    /// returned handle is destroyed; it must not block or revoke. A call that has begun may end
    /// after that: `tell` must own what it uses.
    [[nodiscard]] std::shared_ptr<void> on_revocation(
        shared_function<void(const revocation&)> tell) const;

    /// The options, without the keys.
    [[nodiscard]] const token_sources& sources() const noexcept;
    [[nodiscard]] const auth::options& options() const noexcept;
    /// `weft_auth_...`: verified, from the cache, refused by reason, fetches.
    void visit_metrics(metric_visitor visit) const;

    /// For the library: counts a client that was refused before it had a token to verify.
    void note_refusal(errc why) const noexcept;

    /// Whether both are the same: copies are.
    friend bool operator==(const verifier& a, const verifier& b) noexcept {
        return a.core_ == b.core_;
    }

private:
    explicit verifier(std::shared_ptr<verifier_core> core) noexcept : core_(std::move(core)) {}

    std::shared_ptr<verifier_core> core_;
};

}  // namespace weft::auth
