#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "cluster/nodes/proto/error.hpp"

namespace weft::cluster::nodes {

// How two nodes prove to each other that they know the secret. Each draws a nonce; each proof is an
// HMAC over both nonces, both tags, and which of the two it is of, so that no proof can be used
// again or sent back. The node that connects proves itself first: who only knocks learns nothing.

using tag = std::array<char, 4>;
using nonce = std::array<char, 32>;

inline constexpr std::uint8_t protocol_version = 1;
inline constexpr std::size_t hello_size = 1 + 32 + 4 + 4;
inline constexpr std::size_t challenge_size = 32;
inline constexpr std::size_t proof_size = 32;

/// What the node says that connects: who it is and whom it wants.
struct hello_facts {
    nonce asker_nonce{};
    tag asker{}, owner{};
};
[[nodiscard]] std::string write_hello(const hello_facts& what);
/// `payload` is that of a hello. **Errors**: `other_version`.
[[nodiscard]] errc read_hello(std::string_view payload, hello_facts& out) noexcept;

enum class side : std::uint8_t { asker, owner };

/// What one side signs.
[[nodiscard]] std::string proof_text(side of, const hello_facts& hello, const nonce& owner_nonce);

}  // namespace weft::cluster::nodes
