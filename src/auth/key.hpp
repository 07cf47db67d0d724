#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <weft/auth/algorithm.hpp>
#include <weft/base/result.hpp>

#include "auth/proto/jwk.hpp"

struct evp_pkey_st;
struct evp_mac_ctx_st;

namespace weft::auth {

/// A key to verify with. Its type is fixed when it is made.
/// **Threads**: any.
class key {
public:
    /// **Errors**: `invalid_argument`: shorter than 32 bytes, or a public key and no secret.
    static result<std::shared_ptr<const key>> from_secret(std::string_view bytes);
    /// A public key or a certificate. **Errors**: `invalid_argument`: a private key, more than one
    /// block, a type or size that is not ours.
    static result<std::shared_ptr<const key>> from_pem(std::string_view text);
    /// **Errors**: `invalid_argument`: a point that is not on its curve.
    static result<std::shared_ptr<const key>> from_jwk(const jwk& from);

    [[nodiscard]] key_type type() const noexcept { return type_; }
    [[nodiscard]] const std::optional<std::string>& kid() const noexcept { return kid_; }
    /// What it may be used for: never more than its type can do.
    [[nodiscard]] algorithm_set algorithms() const noexcept { return algorithms_; }

    /// Whether the signature is right. False for an algorithm that the key is not for.
    /// **Cost**: 1 us for HMAC, 20 us for RSA, 70 for ES256, 540 for ES384.
    [[nodiscard]] bool verify(algorithm by, std::string_view text,
                              std::string_view signature) const;

private:
    struct free_key {
        void operator()(evp_pkey_st* k) const noexcept;
    };
    struct free_mac {
        void operator()(evp_mac_ctx_st* m) const noexcept;
    };
    using public_key = std::unique_ptr<evp_pkey_st, free_key>;
    using mac_context = std::unique_ptr<evp_mac_ctx_st, free_mac>;

    /// HMAC with the secret in it. To copy one costs as much as to hash a token (auth_bench,
    /// verify/hs256), so those that are not in use wait for the next one who needs one.
    struct mac_pool {
        [[nodiscard]] mac_context take() const;
        void give(mac_context used) const;

        mac_context prepared;  // null: not for this algorithm
        mutable std::mutex mutex;
        mutable std::vector<mac_context> idle;
    };

    key() = default;
    static result<std::shared_ptr<const key>> adopt(public_key made);
    result<void> set_secret(std::string_view bytes);
    [[nodiscard]] bool verify_mac(algorithm by, std::string_view text, std::string_view mac) const;
    [[nodiscard]] bool verify_public(algorithm by, std::string_view text,
                                     std::string_view signature) const noexcept;

    key_type type_ = key_type::secret;
    std::optional<std::string> kid_;
    algorithm_set algorithms_;
    public_key public_;
    std::array<mac_pool, 3> macs_;  // for SHA-256, 384, 512
};

/// The keys of an issuer at one time. **Threads**: immutable, any.
struct key_set {
    std::vector<std::shared_ptr<const key>> keys;
    std::uint64_t generation = 0;  ///< Another for each set of the process.
    std::size_t skipped = 0;
    std::string why_skipped;  ///< Of the first that was.
};

/// The keys of a JWK Set; those that cannot be used are counted. Secrets count only with
/// `secrets`. **Errors**: as `parse_jwks`.
enum class jwks_secrets { skipped, used };
[[nodiscard]] result<key_set> load_jwks(std::string_view json, jwks_secrets secrets);

/// What only a public key or a key set would look like: no secret. **Cost**: for start-up.
[[nodiscard]] bool looks_public(std::string_view secret);

}  // namespace weft::auth
