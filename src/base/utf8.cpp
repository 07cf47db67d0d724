// UTF-8 validation. Whole texts go to simdjson's vector code. The stream keeps no bytes between
// pieces: only how many continuation bytes are missing and the range of the next one, which is
// enough to refuse overlong forms, surrogates and too large code points at their second byte.

#include <simdjson.h>

#include <weft/base/utf8.hpp>

namespace weft {
namespace {

constexpr std::uint8_t value_of(std::byte b) noexcept {
    return std::to_integer<std::uint8_t>(b);
}

/// Length of the character that this byte begins; 1 for whatever cannot begin a longer one.
constexpr std::size_t sequence_length(std::uint8_t lead) noexcept {
    if (lead < 0xC0) return 1;
    if (lead < 0xE0) return 2;
    return lead < 0xF0 ? 3 : 4;
}

/// Bytes at the end that begin a character whose rest has not come yet.
std::size_t open_tail(byte_view bytes) noexcept {
    for (std::size_t back = 1; back <= 3 && back <= bytes.size(); ++back) {
        const std::uint8_t byte = value_of(bytes[bytes.size() - back]);
        if ((byte & 0xC0) == 0x80) continue;
        return sequence_length(byte) > back ? back : 0;
    }
    return 0;
}

}  // namespace

namespace detail {

bool validate_utf8_long(byte_view bytes) noexcept {
    return simdjson::validate_utf8(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

}  // namespace detail

bool utf8_stream::step(std::uint8_t byte) noexcept {
    if (missing_ != 0) {
        if (byte < low_ || byte > high_) return false;
        low_ = 0x80;
        high_ = 0xBF;
        --missing_;
        return true;
    }
    if (byte < 0x80) return true;
    if (byte < 0xC2 || byte > 0xF4) return false;
    missing_ = static_cast<std::uint8_t>(sequence_length(byte) - 1);
    // The ranges of the second byte in RFC 3629 section 4.
    if (byte == 0xE0) low_ = 0xA0;
    if (byte == 0xED) high_ = 0x9F;
    if (byte == 0xF0) low_ = 0x90;
    if (byte == 0xF4) high_ = 0x8F;
    return true;
}

bool utf8_stream::feed(byte_view piece) noexcept {
    while (missing_ != 0 && !piece.empty()) {
        if (!step(value_of(piece.front()))) return false;
        piece = piece.subspan(1);
    }
    const std::size_t tail = open_tail(piece);
    if (!validate_utf8(piece.first(piece.size() - tail))) return false;
    for (const std::byte byte : piece.last(tail)) {
        if (!step(value_of(byte))) return false;
    }
    return true;
}

}  // namespace weft
