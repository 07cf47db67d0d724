#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <weft/base/bytes.hpp>

namespace weft {

/// The secret that makes the places of a hash table unforeseeable.
struct siphash_key {
    std::uint64_t k0 = 0;
    std::uint64_t k1 = 0;

    /// This process's own, drawn at random when first asked for. **Threads**: any.
    static const siphash_key& of_process() noexcept;
};

/// SipHash-1-3: a hash for tables whose keys a peer may choose. Without the key nobody can find
/// colliding inputs. **See**: Aumasson and Bernstein, "SipHash: a fast short-input PRF".
[[nodiscard]] std::uint64_t siphash_1_3(const siphash_key& key, byte_view bytes) noexcept;

/// `std::hash` for texts that come from peers, with this process's key.
struct keyed_hash {
    siphash_key key = siphash_key::of_process();

    std::size_t operator()(std::string_view text) const noexcept {
        return siphash_1_3(key, as_bytes(text));
    }
};

}  // namespace weft
