#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include <weft/base/bytes.hpp>

namespace weft::ws {

/// A masking key in the byte order of the wire: the four bytes as they are in memory.
using mask_key = std::uint32_t;

/// The key for what follows `consumed` bytes of payload, so that masking can stop and go on
/// anywhere.
[[nodiscard]] constexpr mask_key advance_key(mask_key key, std::uint64_t consumed) noexcept {
    const int bits = static_cast<int>(consumed % 4) * 8;
    return std::endian::native == std::endian::little ? std::rotr(key, bits) : std::rotl(key, bits);
}

namespace detail {

/// For 64 bytes and more. **Cost**: vector code, chosen at run time; out of line, so that short
/// payloads do not pay for its frame.
[[gnu::noinline]] bool apply_mask_long(byte_span data, mask_key key) noexcept;

}  // namespace detail

/// XORs the data with the repeated key, in place; masking and unmasking are the same. Returns true
/// when all bytes are ASCII afterwards, which costs nothing here and saves a text its UTF-8 check.
/// **Cost**: about 1 ns for 20 bytes; bench `ws_bench` unmask. **See**: RFC 6455 section 5.3.
inline bool apply_mask(byte_span data, mask_key key) noexcept {
    std::byte* const p = data.data();
    const std::size_t n = data.size();
    if (n >= 64) return detail::apply_mask_long(data, key);

    constexpr std::uint64_t high_bits = 0x8080808080808080ULL;
    const std::uint64_t wide = std::uint64_t{key} << 32 | key;
    const mask_key tail_key = advance_key(key, n);
    const std::uint64_t wide_tail = std::uint64_t{tail_key} << 32 | tail_key;
    const auto load = [p](std::size_t offset) {
        std::uint64_t word;
        std::memcpy(&word, p + offset, 8);
        return word;
    };
    const auto store = [p](std::size_t offset, std::uint64_t word) {
        std::memcpy(p + offset, &word, 8);
    };
    // The last words overlap those before them, so they are loaded before anything is stored.
    if (n >= 16) {
        const std::uint64_t last_but_one = load(n - 16) ^ wide_tail;
        const std::uint64_t last = load(n - 8) ^ wide_tail;
        std::uint64_t seen = last_but_one | last;
        for (std::size_t offset = 0; offset + 16 < n; offset += 16) {
            const std::uint64_t one = load(offset) ^ wide;
            const std::uint64_t two = load(offset + 8) ^ wide;
            seen |= one | two;
            store(offset, one);
            store(offset + 8, two);
        }
        store(n - 16, last_but_one);
        store(n - 8, last);
        return (seen & high_bits) == 0;
    }
    if (n >= 8) {
        const std::uint64_t last = load(n - 8) ^ wide_tail;
        const std::uint64_t first = load(0) ^ wide;
        store(0, first);
        store(n - 8, last);
        return ((first | last) & high_bits) == 0;
    }
    std::byte key_bytes[4];
    std::memcpy(key_bytes, &key, 4);
    std::byte seen{};
    for (std::size_t offset = 0; offset < n; ++offset) seen |= p[offset] ^= key_bytes[offset % 4];
    return (seen & std::byte{0x80}) == std::byte{};
}

}  // namespace weft::ws
