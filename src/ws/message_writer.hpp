#pragma once

#include <cstring>
#include <memory>
#include <optional>
#include <span>

#include <weft/base/shared_buffer.hpp>
#include <weft/pubsub/message.hpp>

#include "net/byte_stream.hpp"
#include "ws/connection_shared.hpp"
#include "ws/proto/deflate.hpp"
#include "ws/proto/extensions.hpp"
#include "ws/proto/frame.hpp"

namespace weft::ws {

[[nodiscard]] constexpr opcode opcode_of(message_kind kind) noexcept {
    return kind == message_kind::text ? opcode::text : opcode::binary;
}

/// The sending half of a WebSocket's wire format: messages in, frames on the stream, compressed
/// when that was agreed, masked when we are the client. Everything it is given leaves at once and
/// in order; who must wait, and whether anything may still be sent, the connection decides.
class message_writer {
public:
    message_writer(net::byte_stream& stream, role self, const connection_settings& settings,
                   connection_shared& shared, std::optional<deflate_agreement> deflate) noexcept
        : stream_(stream), shared_(shared), settings_(settings), deflate_(deflate), role_(self) {}

    /// A server's small, plain message, built where it leaves from, while the stream has room.
    /// False when it must go the general way.
    bool try_small(message_kind kind, byte_view payload) noexcept;
    /// The message as a compressed frame of this connection; false when it is not to be compressed
    /// or does not get smaller by it.
    bool try_compressed(message_kind kind, byte_view payload);
    /// The message as it is. With an `owner` of the payload's bytes, large ones are not copied.
    void write_plain(message_kind kind, byte_view payload, buffer_ref owner) noexcept;
    /// One frame of a message in fragments.
    void write_fragment(frame_flags flags, byte_view payload) noexcept;
    /// A message that others get too: framed and compressed once for all of them.
    void write_shared(const message& what);
    void write_control(opcode op, byte_view payload) noexcept;
    /// Frees what compressing has kept; it comes back on use.
    void release() noexcept {
        if (deflater_ != nullptr) deflater_->release();
    }

    [[nodiscard]] net::byte_stream& stream() const noexcept { return stream_; }
    [[nodiscard]] connection_shared& shared() const noexcept { return shared_; }
    [[nodiscard]] const connection_settings& settings() const noexcept { return settings_; }
    [[nodiscard]] role self() const noexcept { return role_; }

private:
    static constexpr std::size_t small_frame = 1024;  // header and payload are joined

    [[nodiscard]] bool compresses(std::size_t size) const noexcept {
        return deflate_ && size >= settings_.deflate_threshold;
    }
    [[nodiscard]] std::optional<buffer_slice> compress(byte_view payload);
    [[nodiscard]] buffer_slice shared_frame(const message& what);
    void write_frame(frame_flags flags, byte_view payload, buffer_ref owner) noexcept;
    void write_masked(frame_flags flags, byte_view payload) noexcept;

    net::byte_stream& stream_;
    connection_shared& shared_;
    const connection_settings& settings_;
    std::unique_ptr<deflater> deflater_;
    std::optional<deflate_agreement> deflate_;
    role role_;
};

inline bool message_writer::try_small(message_kind kind, byte_view payload) noexcept {
    if (role_ == role::client || payload.size() > small_frame || compresses(payload.size())) {
        return false;
    }
    std::byte* const frame = stream_.prepare(max_frame_header + payload.size());
    if (frame == nullptr) return false;
    const std::size_t header =
        write_header({opcode_of(kind)}, payload.size(),
                     std::span<std::byte, max_frame_header>(frame, max_frame_header));
    if (!payload.empty()) std::memcpy(frame + header, payload.data(), payload.size());
    stream_.commit(header + payload.size());
    shared_.metrics.messages_sent.add();
    return true;
}

}  // namespace weft::ws
