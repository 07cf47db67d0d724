#pragma once

#include <bit>
#include <cstddef>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace weft::detail {

/// Whether a JSON string cannot hold this byte as it is: the quote, the backslash, below 0x20.
[[nodiscard]] inline bool is_json_special(char c) noexcept {
    return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\';
}

/// The first special byte in [from, end), or `end`. **Cost**: 16 bytes per step.
[[nodiscard]] inline const char* find_json_special(const char* from, const char* end) noexcept {
#ifdef __SSE2__
    const __m128i quote = _mm_set1_epi8('"');
    const __m128i backslash = _mm_set1_epi8('\\');
    const __m128i last_control = _mm_set1_epi8(0x1f);
    for (; end - from >= 16; from += 16) {
        const __m128i chunk = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
        // max(x, 0x1f) == 0x1f exactly for the unsigned bytes up to 0x1f.
        const __m128i control = _mm_cmpeq_epi8(_mm_max_epu8(chunk, last_control), last_control);
        const __m128i special = _mm_or_si128(
            control, _mm_or_si128(_mm_cmpeq_epi8(chunk, quote), _mm_cmpeq_epi8(chunk, backslash)));
        const auto mask = static_cast<unsigned>(_mm_movemask_epi8(special));
        if (mask != 0) return from + std::countr_zero(mask);
    }
#endif
    while (from != end && !is_json_special(*from)) ++from;
    return from;
}

}  // namespace weft::detail
