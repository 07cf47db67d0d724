#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include <weft/base/bytes.hpp>

namespace weft {

/// The secret that makes the places of a hash table unforeseeable.
struct siphash_key {
    std::uint64_t k0 = 0;
    std::uint64_t k1 = 0;

    /// At random. **Errors**: nothing when the system has no entropy.
    [[nodiscard]] static std::optional<siphash_key> draw() noexcept;
    /// This process's own, drawn at random when first asked for. **Threads**: any.
    static const siphash_key& of_process() noexcept;
};

/// SipHash-1-3: a hash for tables whose keys a peer may choose. Without the key nobody can find
/// colliding inputs. **See**: Aumasson and Bernstein, "SipHash: a fast short-input PRF".
[[nodiscard]] std::uint64_t siphash_1_3(const siphash_key& key, byte_view bytes) noexcept;

/// SipHash-2-4 with 128 bits: stands for what was hashed, for whoever does not know the key and
/// never sees a hash. **Cost**: 35 instructions per eight bytes.
[[nodiscard]] std::array<std::uint64_t, 2> siphash_2_4_128(const siphash_key& key,
                                                           byte_view bytes) noexcept;

/// `std::hash` for texts that come from peers, with this process's key.
struct keyed_hash {
    siphash_key key = siphash_key::of_process();

    std::size_t operator()(std::string_view text) const noexcept {
        return siphash_1_3(key, as_bytes(text));
    }
};

}  // namespace weft
