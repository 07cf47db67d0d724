#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <weft/auth/algorithm.hpp>
#include <weft/base/result.hpp>

namespace weft {

/// Makes tokens: for tests of servers that verify them, and for tools. `weft token mint` is made of
/// it. It signs whatever it is given, also what no verifier should accept.
///
///     auto signer = weft::token_signer::generate(weft::auth::algorithm::es256);
///     auto keys = weft::auth::key_source::pem(signer->public_pem());
///     auto token = signer->sign(weft::auth::algorithm::es256, R"({"sub":"ada", ...})");
///
/// **Threads**: any.
class token_signer {
public:
    /// Signs with HMAC. Any size will do.
    static token_signer secret(std::string bytes);
    /// Signs with a private key. **Errors**: `invalid_argument`: no private key in PEM, or one with
    /// a pass phrase.
    static result<token_signer> pem(std::string_view private_key);
    /// Makes a key for this algorithm. **Cost**: for RSA, up to a second.
    static result<token_signer> generate(auth::algorithm by);

    /// A token with these claims, which are JSON, and a header of `alg`, `typ` and, if it is not
    /// empty, `kid`. **Errors**: `invalid_argument`: the key is not for this algorithm.
    [[nodiscard]] result<std::string> sign(auth::algorithm by, std::string_view claims,
                                           std::string_view kid = {},
                                           std::string_view type = "JWT") const;
    /// The same with a header of your own, whatever it says.
    [[nodiscard]] result<std::string> sign_with_header(auth::algorithm by, std::string_view header,
                                                       std::string_view claims) const;

    /// The public key as PEM; empty for a secret.
    [[nodiscard]] std::string public_pem() const;
    /// The key as a JWK: the public one, or the secret. With this `kid`, unless it is empty.
    [[nodiscard]] std::string jwk(auth::algorithm by, std::string_view kid = {}) const;

    /// Base64 with the alphabet for URLs and without padding, as tokens have it.
    [[nodiscard]] static std::string base64url(std::string_view bytes);

private:
    struct signing_key;

    explicit token_signer(std::shared_ptr<const signing_key> key) noexcept : key_(std::move(key)) {}

    std::shared_ptr<const signing_key> key_;
};

}  // namespace weft
