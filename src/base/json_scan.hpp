#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

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

/// Whether one of eight bytes is special or not ASCII.
[[nodiscard]] inline bool any_not_plain(std::uint64_t word) noexcept {
    constexpr std::uint64_t ones = 0x0101010101010101;
    constexpr std::uint64_t tops = 0x8080808080808080;
    // The top bit of a byte x comes out set where x is the byte asked for, and only there or above
    // such a place: borrows run upwards.
    const std::uint64_t control = word - ones * 0x20;
    const std::uint64_t quote = (word ^ ones * '"') - ones;
    const std::uint64_t backslash = (word ^ ones * '\\') - ones;
    return ((control | quote | backslash | word) & tops) != 0;
}

/// Copies a text that has neither special bytes nor bytes above 0x7f. Returns false when it has;
/// what `out` then holds does not matter. **Cost**: one pass, 8 bytes per step; see typed_emit in
/// bench/micro/socketio_bench.cpp.
[[nodiscard]] inline bool copy_plain(char* out, const char* from, std::size_t size) noexcept {
    std::uint64_t word = 0;
    if (size < 8) {
        bool plain = true;
        for (std::size_t i = 0; i < size; ++i) {
            plain &= !is_json_special(from[i]) && static_cast<unsigned char>(from[i]) < 0x80;
            out[i] = from[i];
        }
        return plain;
    }
    for (std::size_t offset = 0; offset + 8 <= size; offset += 8) {
        std::memcpy(&word, from + offset, 8);
        if (any_not_plain(word)) return false;
        std::memcpy(out + offset, &word, 8);
    }
    std::memcpy(&word, from + size - 8, 8);  // the rest, and some of it again
    if (any_not_plain(word)) return false;
    std::memcpy(out + size - 8, &word, 8);
    return true;
}

/// The most characters that `format_json_number` writes.
inline constexpr std::size_t max_json_number = 32;

/// Writes the number as `json_writer::value` does. Returns the end.
char* format_json_number(char* out, double number) noexcept;

}  // namespace weft::detail
