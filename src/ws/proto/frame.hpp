#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include <weft/base/bytes.hpp>
#include <weft/base/result.hpp>
#include <weft/ws/close_code.hpp>
#include <weft/ws/error.hpp>

#include "ws/proto/mask.hpp"

namespace weft::ws {

/// Which end of the connection we are. A client masks what it sends, a server does not.
enum class role : std::uint8_t { server, client };

/// What a frame is. **See**: RFC 6455 section 5.2.
enum class opcode : std::uint8_t {
    continuation = 0x0,
    text = 0x1,
    binary = 0x2,
    close = 0x8,
    ping = 0x9,
    pong = 0xA,
};

[[nodiscard]] constexpr bool is_control(opcode op) noexcept {
    return (static_cast<std::uint8_t>(op) & 0x8) != 0;
}

inline constexpr std::size_t max_frame_header = 14;
inline constexpr std::size_t max_control_payload = 125;
inline constexpr std::size_t max_close_reason = max_control_payload - 2;

/// The first byte of a frame: opcode and flags.
struct frame_flags {
    opcode op;
    bool fin = true;
    bool compressed = false;  ///< RSV1: the message is deflated (RFC 7692).
};

/// A frame header ready to be sent.
struct frame_header_bytes {
    std::array<std::byte, max_frame_header> bytes;
    std::uint8_t size;

    [[nodiscard]] byte_view view() const noexcept { return {bytes.data(), size}; }
};

/// The header of an unmasked frame, as servers send them: 2, 4 or 10 bytes. **Cost**: 2 ns.
[[nodiscard]] frame_header_bytes encode_header(frame_flags flags, std::uint64_t size) noexcept;
/// The same, written where the frame is built; returns its size. On the echo path the copies of a
/// `frame_header_bytes` would cost more than the rest of the header: bench `load` 16 in flight.
std::size_t write_header(frame_flags flags, std::uint64_t size,
                         std::span<std::byte, max_frame_header> out) noexcept;
/// The header of a masked frame, as clients send them: 6, 8 or 14 bytes. The caller masks the
/// payload with `apply_mask`.
[[nodiscard]] frame_header_bytes encode_header(frame_flags flags, std::uint64_t size,
                                               mask_key key) noexcept;

/// The payload of a close frame.
class close_payload {
public:
    /// No code and no reason: what the peer sees as 1005.
    close_payload() noexcept = default;
    /// **Errors**: `weft::errc::invalid_argument` when the code must not be sent, the reason is
    /// longer than 123 bytes or not UTF-8.
    [[nodiscard]] static result<close_payload> make(close_code code, std::string_view reason = {});

    [[nodiscard]] byte_view view() const noexcept { return {bytes_.data(), size_}; }

private:
    std::array<std::byte, max_control_payload> bytes_{};
    std::size_t size_ = 0;
};

/// What a close frame said. **Lifetime**: the reason points into the parsed payload.
struct close_info {
    close_code code = close_code::no_status;
    std::string_view reason;
    std::optional<errc> error;  ///< Set when the payload was wrong; the rest is then meaningless.
};

/// Reads the payload of a received close frame. **Errors**: `bad_close_payload` for a single byte,
/// `bad_close_code`, `invalid_utf8`, in the result.
[[nodiscard]] close_info parse_close(byte_view payload) noexcept;

}  // namespace weft::ws
