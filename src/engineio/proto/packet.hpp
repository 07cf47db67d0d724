#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <weft/base/bytes.hpp>

namespace weft::engineio {

/// The seven kinds of packets; on the wire the digit of the value.
enum class packet_type : std::uint8_t { open, close, ping, pong, message, upgrade, noop };

/// How the data of a packet stands in the bytes that were read.
enum class packet_data : std::uint8_t {
    text,    ///< UTF-8.
    binary,  ///< As it is.
    base64,  ///< Bytes, still encoded: see `decode_base64`.
};

/// One packet of a peer. **Lifetime**: a view into the bytes that were read.
struct packet {
    packet_type type = packet_type::noop;
    packet_data form = packet_data::text;
    byte_view data;

    [[nodiscard]] std::string_view text() const noexcept { return as_text(data); }
};

/// A digit and text, as it comes in a text frame or between the separators of a payload. The text
/// is not checked. **Errors**: nothing when it does not begin with a digit of a packet type.
[[nodiscard]] std::optional<packet> parse_packet(std::string_view text) noexcept;

/// The digit of a type.
[[nodiscard]] constexpr char digit_of(packet_type type) noexcept {
    return static_cast<char>('0' + static_cast<int>(type));
}

/// Most bytes that this many characters of base64 can stand for.
[[nodiscard]] constexpr std::size_t decoded_size(std::size_t characters) noexcept {
    return characters / 4 * 3 + 3;
}

/// Decodes what clients send: white space is skipped (Java breaks lines), both alphabets are taken,
/// padding may be missing. `out` must hold `decoded_size(text.size())` bytes. Returns how many were
/// written. **Errors**: nothing for any other character, for a lone one at the end, and for
/// characters behind padding.
[[nodiscard]] std::optional<std::size_t> decode_base64(std::string_view text,
                                                       byte_span out) noexcept;

/// What the open packet tells the client. Times in milliseconds.
struct open_facts {
    std::string_view sid;
    bool upgrades = false;  ///< To WebSocket.
    std::int64_t ping_interval = 0;
    std::int64_t ping_timeout = 0;
    std::uint64_t max_payload = 0;
};

/// `0{"sid":...}`.
[[nodiscard]] std::string write_open(const open_facts& facts);

/// A session id: 15 random bytes in 20 characters that need no escape in a URL.
using session_key = std::array<char, 20>;
[[nodiscard]] session_key make_key(std::span<const std::byte, 15> random) noexcept;

}  // namespace weft::engineio
