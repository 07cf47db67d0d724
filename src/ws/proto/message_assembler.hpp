#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include <weft/base/bytes.hpp>
#include <weft/base/shared_buffer.hpp>
#include <weft/base/time.hpp>
#include <weft/base/utf8.hpp>
#include <weft/ws/error.hpp>

#include "ws/proto/deflate.hpp"
#include "ws/proto/frame_decoder.hpp"
#include "ws/proto/message_buffer.hpp"
#include "ws/proto/rate_limit.hpp"

namespace weft::ws {

/// What one connection may send us. One object per endpoint, shared by its connections.
struct message_limits {
    /// Bytes of one message, after inflating; also its frames, apart from a few empty ones.
    std::uint64_t max_message = 1024 * 1024;
    std::uint32_t control_burst = 40;                           ///< Control frames at once ...
    duration control_interval = std::chrono::milliseconds(50);  ///< ... and then one per this.
};

/// What the assemblers of one loop share. **Lifetime**: outlives them.
struct assembler_shared {
    /// For the bytes of incomplete messages.
    byte_budget& budget;
    /// Where messages are inflated; between 4 and 64 KiB. Delivered messages may lie in it.
    byte_span inflate_scratch;
    /// Where the blocks of large messages come from and return to; none: the system.
    block_cache* blocks = nullptr;
    /// Charged with the state of the decompressors; none: nobody counts it.
    byte_budget* streams = nullptr;
};

/// The receiving side of permessage-deflate on one connection.
struct inflate_settings {
    int window_bits = 15;
    bool keep_history = true;
};

enum class message_event : std::uint8_t {
    need_more,  ///< All input is consumed.
    yielded,    ///< The inflate allowance is used up: call again, later, with the same input.
    text,       ///< A whole, valid text: see `payload`.
    binary,     ///< A whole binary message: see `payload`.
    ping,       ///< See `payload`; the answer is a pong with the same bytes.
    pong,       ///< See `payload`.
    close,      ///< See `close_frame`; nothing follows.
    failed,     ///< See `error`. Close with its code; nothing follows.
};

/// Turns received bytes into whole messages.
///
/// A message that comes in one read is a view of the received bytes: no copy, no allocation. A
/// split one grows in one buffer, charged to the loop's budget by capacity; large frames can be
/// received straight into it (`read_target`). Compressed messages are inflated as they arrive, at
/// most 64 KiB per step, into the same buffer, under the same limit. Texts are checked as they
/// arrive.
///
/// **Lifetime**: what `payload` and `close_frame` show is valid until the next call of `next`.
class message_assembler {
public:
    /// `inflate` is set when permessage-deflate was negotiated.
    message_assembler(role self, const message_limits& limits, assembler_shared& shared,
                      std::optional<inflate_settings> inflate = std::nullopt) noexcept;
    message_assembler(const message_assembler&) = delete;
    message_assembler& operator=(const message_assembler&) = delete;
    ~message_assembler();

    /// Takes bytes from the front of `input` until something is to be told.
    ///
    /// `allowance` bounds what is done before `yielded`: it shrinks by each byte that is inflated,
    /// and by 64 for a frame that is not a small message. Set it anew for each iteration of the
    /// loop. After `yielded` the bytes that `input` then shows must come again, unchanged (they may
    /// have been moved, and more may have been appended). **Cost**: below 15 ns for a 20 byte
    /// message.
    [[nodiscard]] message_event next(byte_span& input, time_point now,
                                     std::int64_t& allowance) noexcept {
        if (error_ == errc{} && !buffer_was_told_ && !inflating_) {
            if (input.empty()) return message_event::need_more;
            frame_piece piece;
            if (decoder_.next_small(input, limits_->max_message, piece)) return tell_whole(piece);
        }
        return next_of_any(input, now, allowance);
    }

    /// Of the message or control frame just told.
    [[nodiscard]] byte_view payload() const noexcept { return payload_; }
    /// The message just told, to keep: the buffer itself where the message has one, else a copy.
    /// **Errors**: an empty owner when memory is out.
    [[nodiscard]] buffer_slice take_payload() noexcept;
    /// Whether that costs no copy.
    [[nodiscard]] bool owns_payload() const noexcept { return buffer_was_told_; }
    [[nodiscard]] const close_info& close_frame() const noexcept { return close_; }
    [[nodiscard]] errc error() const noexcept { return error_; }

    /// Where the next bytes of a large frame can be received without a copy; empty when there is no
    /// such frame. Bytes received there go into `next` like any others.
    [[nodiscard]] byte_span read_target() noexcept;

    /// A message has begun and not ended: it may have to keep a rate.
    [[nodiscard]] bool in_message() const noexcept { return fragments_ != 0; }
    /// What has come of its payload, as it is on the wire.
    [[nodiscard]] std::uint64_t arrived() const noexcept { return arrived_; }
    /// Memory held for the unfinished message.
    [[nodiscard]] std::size_t held() const noexcept { return buffer_.capacity(); }
    /// We send a ping: one more pong may come, however fast. A peer that was cut off, or that we
    /// did not read, brings all it owes at once.
    void expect_pong() noexcept {
        if (pongs_due_ != UINT16_MAX) ++pongs_due_;
    }
    /// Frees what an idle connection does not need.
    void release() noexcept;
    /// From the next frame on. **Lifetime**: they outlive it.
    void use_limits(const message_limits& limits) noexcept { limits_ = &limits; }

private:
    struct control_buffer;
    using maybe_event = std::optional<message_event>;

    [[gnu::noinline]] message_event next_of_any(byte_span& input, time_point now,
                                                std::int64_t& allowance) noexcept;
    message_event fail(errc why) noexcept;
    maybe_event on_control(const frame_piece& piece, time_point now) noexcept;
    message_event tell_control(opcode op, byte_view payload) noexcept;
    maybe_event on_data(const frame_piece& piece, byte_span& input,
                        std::int64_t& allowance) noexcept;
    message_event tell_whole(const frame_piece& piece) noexcept {
        text_ = piece.op == opcode::text;
        if (text_ && !piece.ascii && !validate_utf8(piece.payload)) return fail(errc::invalid_utf8);
        return tell_message(piece.payload);
    }
    std::optional<errc> begin_frame(const frame_piece& piece) noexcept;
    maybe_event append_plain(const frame_piece& piece) noexcept;
    maybe_event inflate_some(byte_span& input, std::int64_t& allowance) noexcept;
    message_event finish_inflated(byte_view inflated) noexcept;
    message_event tell_message(byte_view payload) noexcept {
        fragments_ = 0;
        payload_ = payload;
        return text_ ? message_event::text : message_event::binary;
    }

    frame_decoder decoder_;
    const message_limits* limits_;
    assembler_shared* shared_;
    std::optional<inflater> inflater_;
    message_buffer buffer_;
    std::unique_ptr<control_buffer> control_;  // a control frame that is split over reads
    byte_view payload_;
    close_info close_;
    rate_limit control_rate_;
    std::uint64_t arrived_ = 0;    // of the message's payload
    std::size_t undigested_ = 0;   // unmasked bytes at the front of the input, to be inflated
    std::uint64_t fragments_ = 0;  // frames of the message that have begun
    utf8_stream utf8_;
    std::uint16_t pongs_due_ = 0;  // that answer our pings
    bool text_ = false;
    bool compressed_ = false;
    bool inflating_ = false;        // the inflater is amid a piece
    bool last_piece_ = false;       // that piece ends the message
    bool buffer_was_told_ = false;  // the buffer holds the message just told
    errc error_{};
};

}  // namespace weft::ws
