#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include <weft/net/tls.hpp>

namespace weft::auth {

/// Where the keys of an issuer come from. `verifier::make` loads and checks them.
///
/// A key has one type, which its text decides and no token can change: a secret is for HMAC only,
/// and a public key never is. A text that looks like PEM or JSON is refused as a secret.
class key_source {
public:
    enum class kind : std::uint8_t { none, secret, pem, jwks, jwks_file, jwks_url };

    /// No keys; `verifier::make` refuses it.
    key_source() = default;

    /// A secret for HMAC. **Units**: bytes, at least as many as the digest has: 32, 48 or 64.
    static key_source secret(std::string bytes);
    /// While secrets are changed: the previous one is good for tokens until `previous_until`.
    static key_source secret(std::string bytes, std::string previous,
                             std::chrono::system_clock::time_point previous_until);
    /// One public key or certificate as PEM text: `PUBLIC KEY` or `CERTIFICATE`. Of a certificate
    /// only the key counts. Private keys are refused.
    static key_source pem(std::string text);
    /// A JWK Set, or one JWK, as JSON text. **See**: RFC 7517.
    static key_source jwks(std::string text);
    /// The same in a file, which is read again when it has changed; see `verifier::start`.
    static key_source jwks_file(std::string path);
    /// The same at an https URL, fetched in the background; see `verifier::start`. Redirects are
    /// not followed, and keys of type `oct` are not used: what is public is no secret.
    static key_source jwks_url(std::string url, tls_client_options tls = {});

    [[nodiscard]] kind what() const noexcept { return kind_; }
    /// The secret, the text, the path, or the URL.
    [[nodiscard]] const std::string& text() const noexcept { return text_; }
    [[nodiscard]] const std::string& previous() const noexcept { return previous_; }
    [[nodiscard]] std::chrono::system_clock::time_point previous_until() const noexcept {
        return previous_until_;
    }
    [[nodiscard]] const tls_client_options& tls() const noexcept { return tls_; }

private:
    key_source(kind what, std::string text) : kind_(what), text_(std::move(text)) {}

    kind kind_ = kind::none;
    std::string text_;
    std::string previous_;
    std::chrono::system_clock::time_point previous_until_{};
    tls_client_options tls_;
};

}  // namespace weft::auth
