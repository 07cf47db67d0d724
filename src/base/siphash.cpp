// SipHash with one round per word and three at the end, eight bytes at a time. Words are read as
// little-endian on every machine, so that the published vectors hold.

#include "base/siphash.hpp"

#include <bit>
#include <chrono>
#include <cstring>

#include <openssl/rand.h>

namespace weft {
namespace {

struct sip_state {
    std::uint64_t v0, v1, v2, v3;

    void round() noexcept {
        v0 += v1;
        v1 = std::rotl(v1, 13) ^ v0;
        v0 = std::rotl(v0, 32);
        v2 += v3;
        v3 = std::rotl(v3, 16) ^ v2;
        v0 += v3;
        v3 = std::rotl(v3, 21) ^ v0;
        v2 += v1;
        v1 = std::rotl(v1, 17) ^ v2;
        v2 = std::rotl(v2, 32);
    }
    void absorb(std::uint64_t word) noexcept {
        v3 ^= word;
        round();
        v0 ^= word;
    }
};

std::uint64_t load_word(const std::byte* from) noexcept {
    std::uint64_t word;
    std::memcpy(&word, from, sizeof word);
    if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
    return word;
}

siphash_key draw_key() noexcept {
    siphash_key key;
    static_assert(sizeof key == 16);
    if (RAND_bytes(reinterpret_cast<unsigned char*>(&key), sizeof key) == 1) return key;
    // Without an entropy source no TLS or WebSocket client works either; a table must still.
    const auto clock = std::chrono::high_resolution_clock::now().time_since_epoch().count();
    return {static_cast<std::uint64_t>(clock), reinterpret_cast<std::uintptr_t>(&key)};
}

}  // namespace

const siphash_key& siphash_key::of_process() noexcept {
    static const siphash_key key = draw_key();
    return key;
}

std::uint64_t siphash_1_3(const siphash_key& key, byte_view bytes) noexcept {
    sip_state s{key.k0 ^ 0x736f6d6570736575ULL, key.k1 ^ 0x646f72616e646f6dULL,
                key.k0 ^ 0x6c7967656e657261ULL, key.k1 ^ 0x7465646279746573ULL};
    std::size_t offset = 0;
    for (; bytes.size() - offset >= 8; offset += 8) s.absorb(load_word(bytes.data() + offset));

    std::uint64_t last = std::uint64_t{bytes.size()} << 56U;
    for (unsigned shift = 0; offset < bytes.size(); ++offset, shift += 8) {
        last |= std::to_integer<std::uint64_t>(bytes[offset]) << shift;
    }
    s.absorb(last);
    s.v2 ^= 0xff;
    for (int i = 0; i < 3; ++i) s.round();
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

}  // namespace weft
