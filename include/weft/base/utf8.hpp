#pragma once

#include <cstdint>
#include <cstring>

#include <weft/base/bytes.hpp>

namespace weft {

namespace detail {

/// Validates without the ASCII skip. **Cost**: vector code, chosen at run time.
[[nodiscard]] bool validate_utf8_long(byte_view bytes) noexcept;

/// How many bytes at the front are ASCII, in steps of 8.
[[nodiscard]] inline std::size_t ascii_prefix(byte_view bytes) noexcept {
    std::size_t size = 0;
    while (bytes.size() - size >= 8) {
        std::uint64_t word;
        std::memcpy(&word, bytes.data() + size, 8);
        if ((word & 0x8080808080808080ULL) != 0) break;
        size += 8;
    }
    return size;
}

}  // namespace detail

/// Whether the bytes are well-formed UTF-8: no overlong forms, no surrogates, nothing above
/// U+10FFFF. **Cost**: ASCII is skipped inline, eight bytes at a time. **See**: RFC 3629.
[[nodiscard]] inline bool validate_utf8(byte_view bytes) noexcept {
    const byte_view rest = bytes.subspan(detail::ascii_prefix(bytes));
    return rest.empty() || detail::validate_utf8_long(rest);
}

/// Validates a text that comes in pieces. Fails at the first wrong byte, not at the end of the
/// piece or of the text.
class utf8_stream {
public:
    /// Takes the next piece. After `false` the stream must be `reset`.
    [[nodiscard]] bool feed(byte_view piece) noexcept;
    /// Whether the text may end here: it is not inside a character.
    [[nodiscard]] bool complete() const noexcept { return missing_ == 0; }
    /// Prepares for the next text.
    void reset() noexcept { *this = {}; }

private:
    bool step(std::uint8_t byte) noexcept;

    std::uint8_t missing_ = 0;  // continuation bytes that the open character still needs
    std::uint8_t low_ = 0x80;   // the next one must lie in [low_, high_]
    std::uint8_t high_ = 0xBF;
};

}  // namespace weft
