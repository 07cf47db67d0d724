// Frame headers in their shortest form, and close payloads. Bytes are written from one length that
// also sizes the copy, so nothing uninitialised can leave.

#include <algorithm>
#include <bit>
#include <cstring>

#include <weft/base/utf8.hpp>

#include "ws/proto/frame.hpp"

namespace weft::ws {
namespace {

constexpr std::uint8_t fin_bit = 0x80;
constexpr std::uint8_t rsv1_bit = 0x40;
constexpr std::uint8_t mask_bit = 0x80;

std::size_t put_header(std::byte* out, frame_flags flags, std::uint64_t size,
                       std::uint8_t masked) noexcept {
    out[0] = static_cast<std::byte>((flags.fin ? fin_bit : 0) | (flags.compressed ? rsv1_bit : 0) |
                                    static_cast<std::uint8_t>(flags.op));
    if (size <= 125) {
        out[1] = static_cast<std::byte>(masked | size);
        return 2;
    }
    const std::size_t width = size <= 0xFFFF ? 2 : 8;
    out[1] = static_cast<std::byte>(masked | (width == 2 ? 126 : 127));
    for (std::size_t i = 0; i < width; ++i) {
        out[2 + i] = static_cast<std::byte>(size >> (8 * (width - 1 - i)) & 0xFF);
    }
    return 2 + width;
}

}  // namespace

std::size_t write_header(frame_flags flags, std::uint64_t size,
                         std::span<std::byte, max_frame_header> out) noexcept {
    return put_header(out.data(), flags, size, 0);
}

frame_header_bytes encode_header(frame_flags flags, std::uint64_t size) noexcept {
    frame_header_bytes header;
    header.size = static_cast<std::uint8_t>(put_header(header.bytes.data(), flags, size, 0));
    return header;
}

frame_header_bytes encode_header(frame_flags flags, std::uint64_t size, mask_key key) noexcept {
    frame_header_bytes header;
    const std::size_t unmasked = put_header(header.bytes.data(), flags, size, mask_bit);
    std::memcpy(header.bytes.data() + unmasked, &key, sizeof key);
    header.size = static_cast<std::uint8_t>(unmasked + sizeof key);
    return header;
}

result<close_payload> close_payload::make(close_code code, std::string_view reason) {
    if (!may_be_sent(code)) {
        return weft::error(weft::errc::invalid_argument, "this close code must not be sent");
    }
    if (reason.size() > max_close_reason) {
        return weft::error(weft::errc::invalid_argument, "a close reason has at most 123 bytes");
    }
    if (!validate_utf8(as_bytes(reason))) {
        return weft::error(weft::errc::invalid_argument, "a close reason must be UTF-8");
    }
    close_payload made;
    const auto value = static_cast<std::uint16_t>(code);
    made.bytes_[0] = static_cast<std::byte>(value >> 8);
    made.bytes_[1] = static_cast<std::byte>(value & 0xFF);
    std::copy(reason.begin(), reason.end(), reinterpret_cast<char*>(made.bytes_.data()) + 2);
    made.size_ = 2 + reason.size();
    return made;
}

close_info parse_close(byte_view payload) noexcept {
    close_info info;
    if (payload.empty()) return info;
    if (payload.size() == 1) {
        info.error = errc::bad_close_payload;
        return info;
    }
    info.code = static_cast<close_code>(std::to_integer<unsigned>(payload[0]) << 8 |
                                        std::to_integer<unsigned>(payload[1]));
    info.reason = as_text(payload.subspan(2));
    if (!may_be_sent(info.code)) {
        info.error = errc::bad_close_code;
    } else if (!validate_utf8(payload.subspan(2))) {
        info.error = errc::invalid_utf8;
    }
    return info;
}

}  // namespace weft::ws
