// Frames and compression. A server's frame is one header in front of the payload; what several
// connections get is built once and kept with the message. A client's frames are masked, so its
// payloads are always copied. Invariant: what is in our deflater's history is in the peer's too; so
// it is forgotten when a compressed message is not sent after all, or one of somebody else's is.

#include "ws/message_writer.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "net/work.hpp"
#include "ws/proto/mask.hpp"

namespace weft::ws {
namespace {

/// Compressing a larger one takes longer than others should wait who wait already.
constexpr std::size_t largest_when_pressed = 64 * 1024;

std::size_t put_header_before(byte_span headroom, frame_flags flags, std::size_t size) noexcept {
    const frame_header_bytes header = encode_header(flags, size);
    std::memcpy(headroom.data() + headroom.size() - header.size, header.bytes.data(), header.size);
    return header.size;
}

/// A compressed frame in a buffer of its own: what all recipients of a broadcast share.
buffer_slice join_frame(message_kind kind, byte_view compressed) noexcept {
    const frame_header_bytes header =
        encode_header({opcode_of(kind), true, true}, compressed.size());
    buffer_ref block = shared_buffer::allocate(header.size + compressed.size());
    if (!block) return {};
    std::memcpy(block->data(), header.bytes.data(), header.size);
    std::memcpy(block->data() + header.size, compressed.data(), compressed.size());
    const byte_view bytes(block->data(), header.size + compressed.size());
    return {std::move(block), bytes};
}

}  // namespace

std::optional<buffer_slice> message_writer::compress(byte_view payload) {
    shared_.loop.spend_work(payload.size() * net::compressed_byte_work);
    const int bits = deflate_->window_bits(role_);
    // zlib cannot make a smaller window; what is not compressed is always allowed.
    if (bits < 9) return std::nullopt;
    if (deflate_->no_takeover(role_)) return shared_.deflaters.compress_once(payload, bits);
    if (deflater_ == nullptr) {
        const deflate_options chosen = settings_.chosen.deflate.value_or(deflate_options{});
        deflater_ = std::make_unique<deflater>(deflate_settings{bits, 5, chosen.level},
                                               &shared_.loop.budget());
    }
    return deflater_->compress(payload);
}

bool message_writer::try_compressed(message_kind kind, byte_view payload) {
    if (!compresses(payload.size())) return false;
    if (payload.size() > largest_when_pressed && shared_.loop.is_pressed()) return false;
    const std::optional<buffer_slice> compressed = compress(payload);
    if (!compressed || compressed->bytes.size() >= payload.size()) {
        if (deflater_ != nullptr) deflater_->forget_history();
        return false;
    }
    const frame_flags flags{opcode_of(kind), true, true};
    shared_.metrics.messages_sent.add();
    if (role_ == role::client) {
        write_masked(flags, compressed->bytes);
    } else {
        stream_.write(encode_header(flags, compressed->bytes.size()).view());
        stream_.write(compressed->bytes);
    }
    return true;
}

void message_writer::write_plain(message_kind kind, byte_view payload, buffer_ref owner) noexcept {
    shared_.metrics.messages_sent.add();
    write_frame({opcode_of(kind)}, payload, std::move(owner));
}

void message_writer::write_fragment(frame_flags flags, byte_view payload) noexcept {
    if (flags.fin) shared_.metrics.messages_sent.add();
    write_frame(flags, payload, {});
}

void message_writer::write_frame(frame_flags flags, byte_view payload, buffer_ref owner) noexcept {
    if (role_ == role::client) return write_masked(flags, payload);
    stream_.write(encode_header(flags, payload.size()).view());
    if (owner) {
        stream_.write(buffer_slice{std::move(owner), payload});
    } else {
        stream_.write(payload);
    }
}

/// A client's frame: the payload is copied, because masking changes it (RFC 6455 section 5.3).
void message_writer::write_masked(frame_flags flags, byte_view payload) noexcept {
    const auto key = shared_.random.next_u32();
    if (!key) {
        stream_.abort(make_error_code(weft::errc::not_supported));
        return;
    }
    const frame_header_bytes header = encode_header(flags, payload.size(), *key);
    const auto fill = [&](std::byte* frame) {
        std::memcpy(frame, header.bytes.data(), header.size);
        if (!payload.empty()) std::memcpy(frame + header.size, payload.data(), payload.size());
        apply_mask({frame + header.size, payload.size()}, *key);
        return byte_view(frame, header.size + payload.size());
    };
    if (payload.size() <= small_frame) {
        std::array<std::byte, max_frame_header + small_frame> frame;
        stream_.write(fill(frame.data()));
        return;
    }
    buffer_ref block = shared_buffer::allocate(header.size + payload.size());
    if (!block) {
        stream_.abort(std::make_error_code(std::errc::not_enough_memory));
        return;
    }
    const byte_view frame = fill(block->data());
    stream_.write(buffer_slice{std::move(block), frame});
}

void message_writer::write_shared(const message& what) {
    if (role_ == role::client) {  // every masked frame is one of its own
        if (!try_compressed(what.kind(), what.bytes())) write_plain(what.kind(), what.bytes(), {});
        return;
    }
    shared_.metrics.messages_sent.add();
    stream_.write(shared_frame(what));
}

/// The frame that every recipient with the same window shares. A connection with a history of its
/// own gets it too: a sender may forget its history at any time (RFC 7692 section 7.2.1 needs no
/// agreement for that).
buffer_slice message_writer::shared_frame(const message& what) {
    if (deflate_ && !what.uncompressed() && what.size() >= settings_.shared_threshold &&
        deflate_->window_bits(role_) >= 9) {
        const int bits = deflate_->window_bits(role_);
        buffer_slice compressed =
            what.encoded(message_encoding::deflated_frame(bits), [&](const message& m) {
                shared_.loop.spend_work(m.size() * net::compressed_byte_work);
                const auto made = shared_.deflaters.compress_once(m.bytes(), bits);
                return made && made->bytes.size() < m.size() ? join_frame(m.kind(), made->bytes)
                                                             : buffer_slice{};
            });
        if (compressed.owner) {
            if (deflater_ != nullptr) deflater_->forget_history();
            return compressed;
        }
    }
    return what.framed([&](byte_span headroom) {
        return put_header_before(headroom, {opcode_of(what.kind())}, what.size());
    });
}

void message_writer::write_control(opcode op, byte_view payload) noexcept {
    if (role_ == role::client) return write_masked({op}, payload);
    const frame_header_bytes header = encode_header({op}, payload.size());
    std::array<std::byte, max_frame_header + max_control_payload> frame;
    std::memcpy(frame.data(), header.bytes.data(), header.size);
    if (!payload.empty()) std::memcpy(frame.data() + header.size, payload.data(), payload.size());
    stream_.write(byte_view(frame.data(), header.size + payload.size()));
}

}  // namespace weft::ws
