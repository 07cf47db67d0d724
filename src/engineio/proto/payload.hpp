#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <weft/base/bytes.hpp>

#include "engineio/proto/packet.hpp"

namespace weft::engineio {

/// How the packets of a polling body are put together.
enum class payload_form : std::uint8_t {
    separated,      ///< Protocol 4: 0x1E between packets.
    counted,        ///< Protocol 3: each behind its length in UTF-16 units.
    counted_bytes,  ///< Protocol 3, `application/octet-stream`: each behind its length in bytes.
};

enum class payload_status : std::uint8_t {
    packet,     ///< One more packet.
    end,        ///< There was no other.
    malformed,  ///< The rest cannot be read; an empty body too.
    not_utf8,
    too_many,  ///< More packets than allowed.
};

/// Takes the packets out of a polling body, one by one, without copying.
/// **Lifetime**: the body outlives the reader and its packets.
class payload_reader {
public:
    payload_reader(byte_view body, payload_form form, std::size_t max_packets) noexcept
        : rest_(body), left_(max_packets), form_(form) {}

    /// The next packet, in `out`. After anything but `packet` the reader is done.
    [[nodiscard]] payload_status next(packet& out) noexcept;
    /// What it has not looked at yet. From now on it reads these bytes elsewhere.
    [[nodiscard]] byte_view rest() const noexcept { return rest_; }
    void move_to(byte_view same) noexcept { rest_ = same; }

private:
    [[nodiscard]] payload_status take_separated(packet& out) noexcept;
    [[nodiscard]] payload_status take_counted(packet& out) noexcept;
    [[nodiscard]] payload_status take_counted_bytes(packet& out) noexcept;
    [[nodiscard]] payload_status take_text(std::string_view text, packet& out) const noexcept;

    byte_view rest_;
    std::size_t left_;
    payload_form form_;
    bool more_ = true;  // the body is empty, or does not end here
};

/// Appends a packet of text, its digit included, to the body of a reply.
void append_packet(std::string& body, payload_form form, std::string_view packet);
/// Appends a message with binary data; `counted_bytes` only.
void append_binary_packet(std::string& body, byte_view data);
/// The same, given as base64; not for `counted_bytes`.
void append_base64_packet(std::string& body, payload_form form, std::string_view base64);

}  // namespace weft::engineio
