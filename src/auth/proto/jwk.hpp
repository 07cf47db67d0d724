#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <weft/auth/algorithm.hpp>
#include <weft/base/result.hpp>

namespace weft::auth {

/// What a key is, whatever a token says.
enum class key_type : std::uint8_t { secret, rsa, p256, p384, ed25519 };

/// "an RSA key" and so on, for messages.
[[nodiscard]] std::string_view describe(key_type type) noexcept;

/// A set of algorithms.
class algorithm_set {
public:
    constexpr algorithm_set() noexcept = default;
    [[nodiscard]] constexpr bool has(algorithm a) const noexcept {
        return (bits_ >> static_cast<unsigned>(a) & 1U) != 0;
    }
    constexpr void add(algorithm a) noexcept {
        bits_ = static_cast<std::uint16_t>(bits_ | 1U << static_cast<unsigned>(a));
    }
    [[nodiscard]] constexpr bool empty() const noexcept { return bits_ == 0; }

private:
    std::uint16_t bits_ = 0;
};

/// What a key of this type can do: the algorithms of its family, those of a secret by its size.
/// **Units**: bytes.
[[nodiscard]] algorithm_set algorithms_of(key_type type, std::size_t secret_size = 0) noexcept;

/// The sizes of RSA keys that are good. **Units**: bits.
inline constexpr std::size_t min_rsa = 2048;
inline constexpr std::size_t max_rsa = 8192;

/// A public key or a secret from a JWK, decoded and checked as far as it goes without arithmetic.
struct jwk {
    key_type type = key_type::secret;
    std::optional<std::string> kid;
    algorithm_set algorithms;  ///< What its type, its `alg` and its size allow.
    std::string first;         ///< The secret; n of RSA; x.
    std::string second;        ///< e of RSA; y.
};

/// The usable keys of a set. The others (encryption keys, unknown types, weak keys) are counted.
struct jwk_set {
    static constexpr std::size_t max_size = 64 * 1024;
    static constexpr std::size_t max_keys = 64;

    std::vector<jwk> keys;
    std::size_t skipped = 0;
    std::string why_skipped;  ///< Of the first that was.
};

/// Reads a JWK Set, or one JWK. **Errors**: `malformed`: not such an object, a key twice in one
/// object, above one of the limits. **See**: RFC 7517, 7518 section 6, 8037.
[[nodiscard]] result<jwk_set> parse_jwks(std::string_view json);

}  // namespace weft::auth
