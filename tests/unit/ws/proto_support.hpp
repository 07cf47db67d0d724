#pragma once

// Frames made by hand and a slow decoder written from the text of RFC 6455, to hold the fast one
// against.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ws/proto/frame.hpp"

namespace weft::ws::test {

inline std::string bytes_to_string(byte_view bytes) {
    return std::string(as_text(bytes));
}

inline byte_span writable(std::string& text) {
    return {reinterpret_cast<std::byte*>(text.data()), text.size()};
}

/// How a test wants a frame, right or wrong.
struct raw_frame {
    std::uint8_t first = 0x82;
    std::string payload;
    bool masked = true;
    /// The 7-bit length; the shortest form when unset.
    std::optional<std::uint8_t> length_code = std::nullopt;
    /// What the header announces; the payload's size when unset.
    std::optional<std::uint64_t> announced = std::nullopt;
};

inline std::string encode(const raw_frame& frame) {
    constexpr std::uint8_t key[4] = {0x37, 0xFA, 0x21, 0x3D};
    const std::uint64_t size = frame.announced.value_or(frame.payload.size());
    const std::uint8_t code =
        frame.length_code.value_or(static_cast<std::uint8_t>(size <= 125      ? size
                                                             : size <= 0xFFFF ? 126
                                                                              : 127));
    std::string out;
    out += static_cast<char>(frame.first);
    out += static_cast<char>((frame.masked ? 0x80 : 0) | code);
    const int width = code == 126 ? 2 : code == 127 ? 8 : 0;
    for (int i = width - 1; i >= 0; --i) out += static_cast<char>(size >> (8 * i));
    if (!frame.masked) return out + frame.payload;
    out.append(reinterpret_cast<const char*>(key), 4);
    for (std::size_t i = 0; i < frame.payload.size(); ++i) {
        out += static_cast<char>(frame.payload[i] ^ key[i % 4]);
    }
    return out;
}

/// A whole frame as a decoder sees it.
struct seen_frame {
    std::uint8_t first = 0;  ///< FIN, RSV1 and opcode.
    std::string payload;
    friend bool operator==(const seen_frame&, const seen_frame&) = default;
};

struct decoded_stream {
    std::vector<seen_frame> frames;
    close_code failure = close_code::normal;  ///< `normal` when nothing was wrong.
    friend bool operator==(const decoded_stream&, const decoded_stream&) = default;
};

/// Decodes whole frames, one rule of RFC 6455 section 5 after the other.
inline decoded_stream reference_decode(std::string_view in, role self, bool deflate,
                                       std::uint64_t max_message) {
    decoded_stream out;
    bool fragmented = false;
    std::uint64_t left = 0;
    std::size_t at = 0;
    const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(in[i]); };
    const auto failed = [&](close_code why) {
        out.failure = why;
        return out;
    };
    while (at < in.size()) {
        const std::uint8_t first = byte(at);
        const unsigned op = first & 0xF;
        const bool fin = (first & 0x80) != 0;
        const bool control = op >= 8;
        if ((first & 0x30) != 0) return failed(close_code::protocol_error);
        if ((first & 0x40) != 0 && !(deflate && (op == 1 || op == 2))) {
            return failed(close_code::protocol_error);
        }
        if ((op >= 3 && op <= 7) || op >= 11) return failed(close_code::protocol_error);
        if (control && !fin) return failed(close_code::protocol_error);
        if (op == 0 && !fragmented) return failed(close_code::protocol_error);
        if ((op == 1 || op == 2) && fragmented) return failed(close_code::protocol_error);
        if (at + 1 >= in.size()) return out;
        const bool masked = (byte(at + 1) & 0x80) != 0;
        if (masked != (self == role::server)) return failed(close_code::protocol_error);
        const unsigned code = byte(at + 1) & 0x7F;
        if (control && code > 125) return failed(close_code::protocol_error);
        const std::size_t width = code == 126 ? 2 : code == 127 ? 8 : 0;
        if (at + 2 + width > in.size()) return out;
        std::uint64_t size = width == 0 ? code : 0;
        for (std::size_t i = 0; i < width; ++i) size = size << 8 | byte(at + 2 + i);
        if (width == 2 && size < 126) return failed(close_code::protocol_error);
        if (width == 8 && (size < 65536 || size >> 63 != 0)) {
            return failed(close_code::protocol_error);
        }
        if (op == 1 || op == 2) {
            left = max_message + ((first & 0x40) != 0 ? max_message / 4 + 1024 : 0);
        }
        if (!control && size > left) return failed(close_code::message_too_big);
        if (!control) left -= size;
        std::size_t payload = at + 2 + width;
        const std::size_t key = payload;
        if (masked) payload += 4;
        if (payload > in.size() || size > in.size() - payload) return out;
        seen_frame frame{static_cast<std::uint8_t>(first & 0xCF), {}};
        for (std::size_t i = 0; i < size; ++i) {
            const std::uint8_t mask = masked ? byte(key + i % 4) : std::uint8_t{0};
            frame.payload += static_cast<char>(byte(payload + i) ^ mask);
        }
        out.frames.push_back(frame);
        if (op == 8) return out;
        if (!control) fragmented = !fin;
        at = payload + size;
    }
    return out;
}

}  // namespace weft::ws::test
