// SipHash, eight bytes at a time: with one round per word and three at the end for tables, with two
// and four where the hash stands for what was hashed. Words are read as little-endian on every
// machine, so that the published vectors hold.

#include "base/siphash.hpp"

#include <bit>
#include <chrono>
#include <cstring>

#include <openssl/rand.h>

namespace weft {
namespace {

struct sip_state {
    explicit sip_state(const siphash_key& key) noexcept
        : v0(key.k0 ^ 0x736f6d6570736575ULL),
          v1(key.k1 ^ 0x646f72616e646f6dULL),
          v2(key.k0 ^ 0x6c7967656e657261ULL),
          v3(key.k1 ^ 0x7465646279746573ULL) {}

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
    template <int Rounds>
    void rounds() noexcept {
        for (int i = 0; i < Rounds; ++i) round();
    }
    template <int Rounds>
    void absorb(std::uint64_t word) noexcept {
        v3 ^= word;
        rounds<Rounds>();
        v0 ^= word;
    }
    template <int Rounds>
    void absorb(byte_view bytes) noexcept;
    [[nodiscard]] std::uint64_t folded() const noexcept { return v0 ^ v1 ^ v2 ^ v3; }
};

std::uint64_t load_word(const std::byte* from) noexcept {
    std::uint64_t word;
    std::memcpy(&word, from, sizeof word);
    if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
    return word;
}

template <int Rounds>
void sip_state::absorb(byte_view bytes) noexcept {
    std::size_t offset = 0;
    for (; bytes.size() - offset >= 8; offset += 8) absorb<Rounds>(load_word(&bytes[offset]));
    std::uint64_t last = std::uint64_t{bytes.size()} << 56U;
    for (unsigned shift = 0; offset < bytes.size(); ++offset, shift += 8) {
        last |= std::to_integer<std::uint64_t>(bytes[offset]) << shift;
    }
    absorb<Rounds>(last);
}

siphash_key draw_key() noexcept {
    if (const auto key = siphash_key::draw()) return *key;
    // Without an entropy source no TLS or WebSocket client works either; a table must still.
    const auto clock = std::chrono::high_resolution_clock::now().time_since_epoch().count();
    return {static_cast<std::uint64_t>(clock), reinterpret_cast<std::uintptr_t>(&clock)};
}

}  // namespace

std::optional<siphash_key> siphash_key::draw() noexcept {
    siphash_key key;
    static_assert(sizeof key == 16);
    if (RAND_bytes(reinterpret_cast<unsigned char*>(&key), sizeof key) != 1) return std::nullopt;
    return key;
}

const siphash_key& siphash_key::of_process() noexcept {
    static const siphash_key key = draw_key();
    return key;
}

std::uint64_t siphash_1_3(const siphash_key& key, byte_view bytes) noexcept {
    sip_state s(key);
    s.absorb<1>(bytes);
    s.v2 ^= 0xff;
    s.rounds<3>();
    return s.folded();
}

std::array<std::uint64_t, 2> siphash_2_4_128(const siphash_key& key, byte_view bytes) noexcept {
    sip_state s(key);
    s.v1 ^= 0xee;
    s.absorb<2>(bytes);
    s.v2 ^= 0xee;
    s.rounds<4>();
    const std::uint64_t first = s.folded();
    s.v1 ^= 0xdd;
    s.rounds<4>();
    return {first, s.folded()};
}

}  // namespace weft
