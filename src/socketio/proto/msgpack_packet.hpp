#pragma once

#include <span>
#include <string>
#include <vector>

#include <weft/base/bytes.hpp>

#include "socketio/proto/packet.hpp"

namespace weft::socketio {

// The form of npm's socket.io-msgpack-parser: a packet is one binary message, a map of type, data,
// nsp and id, with binary values in their places. It is translated to the text form and back, so
// that one parser decides what a packet may be.

/// Replaces `text` by the text form of the packet in `message`, for `parse_packet` to judge, and
/// `attachments` by views into `message`. Dates become ISO 8601 texts, undefined members are left
/// out, NaN and infinities become `null`.
/// **Errors**: `errc{}` is success. **Cost**: linear; the text has at most 8 bytes for each of
/// `message`, besides placeholders.
[[nodiscard]] errc msgpack_to_text(byte_view message, const packet_limits& limits,
                                   std::string& text, std::vector<byte_view>& attachments);

/// Appends a packet that `parse_packet` made; `attachments` has as many as the packet says.
/// **Cost**: linear.
void append_msgpack_packet(std::string& out, const packet_view& packet,
                           std::span<const byte_view> attachments);

}  // namespace weft::socketio
