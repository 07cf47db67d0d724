// Masking of 64 bytes and more with SSE2, or AVX2 where the machine has it. A block's last vector
// overlaps the one before it and is loaded before anything is stored, so there is no scalar tail.

#include "ws/proto/mask.hpp"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace weft::ws::detail {
namespace {

#if defined(__x86_64__)

bool mask_sse2(std::byte* p, std::size_t n, mask_key key) noexcept {
    const __m128i wide = _mm_set1_epi32(static_cast<int>(key));
    const __m128i tail_key = _mm_set1_epi32(static_cast<int>(advance_key(key, n)));
    const auto block_at = [p](std::size_t i) { return reinterpret_cast<__m128i*>(p + i); };

    const __m128i last = _mm_xor_si128(_mm_loadu_si128(block_at(n - 16)), tail_key);
    __m128i seen = last;
    for (std::size_t i = 0; i + 16 < n; i += 16) {
        const __m128i block = _mm_xor_si128(_mm_loadu_si128(block_at(i)), wide);
        seen = _mm_or_si128(seen, block);
        _mm_storeu_si128(block_at(i), block);
    }
    _mm_storeu_si128(block_at(n - 16), last);
    return _mm_movemask_epi8(seen) == 0;
}

__attribute__((target("avx2"))) bool mask_avx2(std::byte* p, std::size_t n, mask_key key) noexcept {
    const __m256i wide = _mm256_set1_epi32(static_cast<int>(key));
    const __m256i tail_key = _mm256_set1_epi32(static_cast<int>(advance_key(key, n)));

    const __m256i last = _mm256_xor_si256(
        _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + n - 32)), tail_key);
    __m256i seen = last;
    for (std::size_t i = 0; i + 32 < n; i += 32) {
        __m256i* const place = reinterpret_cast<__m256i*>(p + i);
        const __m256i block = _mm256_xor_si256(_mm256_loadu_si256(place), wide);
        seen = _mm256_or_si256(seen, block);
        _mm256_storeu_si256(place, block);
    }
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p + n - 32), last);
    return _mm256_movemask_epi8(seen) == 0;
}

#else

bool mask_words(std::byte* p, std::size_t n, mask_key key) noexcept {
    const std::uint64_t wide = std::uint64_t{key} << 32 | key;
    const mask_key tail_key = advance_key(key, n);
    std::uint64_t last;
    std::memcpy(&last, p + n - 8, 8);
    last ^= std::uint64_t{tail_key} << 32 | tail_key;
    std::uint64_t seen = last;
    for (std::size_t i = 0; i + 8 < n; i += 8) {
        std::uint64_t word;
        std::memcpy(&word, p + i, 8);
        word ^= wide;
        seen |= word;
        std::memcpy(p + i, &word, 8);
    }
    std::memcpy(p + n - 8, &last, 8);
    return (seen & 0x8080808080808080ULL) == 0;
}

#endif

using mask_function = bool (*)(std::byte*, std::size_t, mask_key) noexcept;

mask_function choose() noexcept {
#if defined(__x86_64__)
    return __builtin_cpu_supports("avx2") ? mask_avx2 : mask_sse2;
#else
    return mask_words;
#endif
}

}  // namespace

bool apply_mask_long(byte_span data, mask_key key) noexcept {
    static const mask_function chosen = choose();
    return chosen(data.data(), data.size(), key);
}

}  // namespace weft::ws::detail
