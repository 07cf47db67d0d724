#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace weft::auth {

/// How a token is signed. There is no `none`. **See**: RFC 7518 section 3.1, RFC 8037.
enum class algorithm : std::uint8_t {
    hs256,  ///< HMAC with SHA-256; the secret has at least 32 bytes.
    hs384,  ///< HMAC with SHA-384; at least 48 bytes.
    hs512,  ///< HMAC with SHA-512; at least 64 bytes.
    rs256,  ///< RSA, PKCS #1 v1.5, 2048 to 8192 bits.
    rs384,
    rs512,
    ps256,  ///< RSA-PSS; MGF1 and salt as long as the digest.
    ps384,
    ps512,
    es256,  ///< ECDSA on P-256.
    es384,  ///< ECDSA on P-384: eight times as slow as `es256`.
    eddsa,  ///< Ed25519.
};

/// The name as it stands in a token: "ES256".
[[nodiscard]] std::string_view to_string(algorithm a) noexcept;

/// The algorithm of exactly this name; case counts. Nothing for `none` and all that is not above.
[[nodiscard]] std::optional<algorithm> algorithm_of(std::string_view name) noexcept;

}  // namespace weft::auth
