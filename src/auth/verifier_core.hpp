#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <weft/auth/options.hpp>
#include <weft/auth/verifier.hpp>
#include <weft/base/weak_handle.hpp>
#include <weft/net/loop.hpp>

#include "auth/error_table.hpp"
#include "auth/issuer_keys.hpp"
#include "auth/key.hpp"
#include "auth/proto/token.hpp"
#include "auth/revocation_table.hpp"
#include "auth/token_cache.hpp"

namespace weft::auth {

class key_keeper;

/// Both clocks at one time.
struct moment {
    std::chrono::system_clock::time_point wall;  ///< What times in tokens are compared with.
    time_point steady;                           ///< What identities expire by.

    [[nodiscard]] static moment of(const loop_ref& loop) {
        return {std::chrono::system_clock::now(), loop.now()};
    }
    /// Seconds since 1970, rounded down.
    [[nodiscard]] std::int64_t seconds() const noexcept {
        return std::chrono::floor<std::chrono::seconds>(wall).time_since_epoch().count();
    }
};

/// A token that broke no cheap rule, or the rule that it broke.
struct examined_token {
    std::optional<errc> refused;
    const verified_token* known = nullptr;  ///< From the cache: its signature was right.
    std::shared_ptr<const verified_token> cached;

    algorithm alg = algorithm::hs256;
    std::shared_ptr<issuer_keys>
        issuer;  ///< Set when it is known, even if the token was refused then.
    std::shared_ptr<const key_set> set;
    std::array<const key*, 2> keys{};  ///< One of them; the second may be null.
    std::string_view signed_part;      ///< Of the token that was examined.
    std::string signature;
    verified_token says;           ///< If the signature is right.
    std::optional<token_tag> tag;  ///< Its place in the cache, if it may have one.
};

/// What all handles of one verifier share.
/// **Threads**: any.
class verifier_core final : public std::enable_shared_from_this<verifier_core> {
public:
    static result<std::shared_ptr<verifier_core>> make(options from);

    verifier_core(const verifier_core&) = delete;
    verifier_core& operator=(const verifier_core&) = delete;
    ~verifier_core();

    /// Everything but a signature. **Lifetime**: what it returns refers to the token.
    [[nodiscard]] examined_token examine(std::string_view token, const moment& now);
    /// Whether a slow signature is still to be verified.
    [[nodiscard]] static bool is_slow(const examined_token& what) noexcept;
    /// Verifies the signature, if it was not found in the cache.
    [[nodiscard]] static bool verify_signature(const examined_token& what);
    /// The end: remembers a token that is good, asks whether it was revoked, counts.
    result<identity> finish(examined_token& what, bool signature_right, const moment& now);
    /// `examine`, `verify_signature` and `finish` in one.
    result<identity> verify(std::string_view token, const moment& now);
    /// Counts a refusal.
    error refuse(errc why) noexcept;

    /// Whether it is worth to wait for the issuer's keys. If so, a fetch is under way or was asked
    /// for, and `fetched` of the issuer tells its end.
    [[nodiscard]] bool may_wait(const examined_token& what, const moment& now);

    /// One of `max_waiting` places; `try_wait` may decline. Half of them are for signatures: tokens
    /// that wait for keys, which anybody can make, never take all.
    enum class wait_for { signature, keys };
    [[nodiscard]] bool try_wait(wait_for what) noexcept;
    void end_wait(wait_for what) noexcept;

    result<void> revoke(const revocation& what);
    [[nodiscard]] bool revoked(const identity& who) const;
    [[nodiscard]] std::shared_ptr<void> on_revocation(
        shared_function<void(const revocation&)> tell);

    result<void> change_issuers(std::vector<issuer> to);
    void start(const loop_ref& loop);
    /// For the keeper: the one of this loop, or null. **Threads**: the loop's.
    [[nodiscard]] key_keeper* keeper_on(const loop_ref& loop) const;
    /// For the keeper: it is ready to be woken.
    void add_keeper(const loop_ref& loop, const weak_handle<key_keeper>& keeper);
    /// Those of now.
    struct issuer_list {
        std::vector<std::shared_ptr<issuer_keys>> all{};
        bool has_slow = false;  ///< Tokens of one of them are worth to be cached.

        [[nodiscard]] bool has(const issuer_keys* which) const noexcept;
        [[nodiscard]] bool changes() const noexcept;
    };
    [[nodiscard]] std::shared_ptr<const issuer_list> issuers() const {
        const std::lock_guard lock(mutex_);
        return issuers_;
    }
    [[nodiscard]] const auth::options& options() const noexcept { return options_; }
    void count_fetch(bool failed) noexcept;
    void visit_metrics(metric_visitor visit) const;

private:
    struct kept_loop {
        loop_ref loop;
        weak_handle<key_keeper> keeper;
    };
    using count = std::atomic<std::uint64_t>;

    explicit verifier_core(auth::options from);
    /// Loads what is not in `before` already.
    [[nodiscard]] result<std::shared_ptr<const issuer_list>> load(std::vector<issuer> wanted,
                                                                  const issuer_list& before) const;
    [[nodiscard]] bool find_cached(std::string_view token, const issuer_list& among,
                                   examined_token& what, const moment& now);
    [[nodiscard]] std::optional<errc> examine_new(std::string_view token, examined_token& what,
                                                  const moment& now);
    [[nodiscard]] std::optional<errc> check_header(const token_header& header,
                                                   const issuer& of) const;
    [[nodiscard]] std::optional<errc> check_claims(const token_claims& claims, const issuer& of,
                                                   const moment& now) const;
    [[nodiscard]] static std::optional<errc> find_keys(const token_header& header,
                                                       examined_token& what, const moment& now);
    [[nodiscard]] identity identity_of(const verified_token& what, const moment& now) const;
    void wake_keepers();
    /// When no token can be accepted any more that is issued at `issued`.
    [[nodiscard]] std::int64_t end_of(std::int64_t issued) const noexcept;

    auth::options options_;  // without the issuers, which are below
    token_cache cache_;
    revocation_table revocations_;
    std::atomic<std::size_t> waiting_{0};
    std::atomic<std::size_t> waiting_for_keys_{0};

    std::mutex changing_;       // for all of a change of issuers
    mutable std::mutex mutex_;  // for the three below
    std::shared_ptr<const issuer_list> issuers_ = std::make_shared<const issuer_list>();
    std::vector<kept_loop> loops_;
    std::vector<std::weak_ptr<shared_function<void(const revocation&)>>> listeners_;

    std::array<count, error_count> refused_{};
    count verified_{0};
    count cached_{0};
    count fetches_{0};
    count failed_fetches_{0};
};

}  // namespace weft::auth
