// From frames to messages. Invariants: what is kept is one buffer whose capacity is charged to the
// loop's budget and stays within twice what has arrived (or been inflated), whatever was announced;
// every count belongs to one message and starts at zero with the next.

#include <algorithm>
#include <array>
#include <cstring>
#include <new>

#include "ws/proto/message_assembler.hpp"

namespace weft::ws {
namespace {

/// Below this a copy costs less than another system call.
constexpr std::size_t worth_receiving_in_place = 16 * 1024;
/// Empty frames that even the shortest message may have: libraries begin and end streams with them.
constexpr std::uint64_t spare_fragments = 16;
/// What a frame takes of the allowance, besides what is inflated of it.
constexpr std::int64_t frame_cost = 64;

}  // namespace

struct message_assembler::control_buffer {
    opcode op;
    std::size_t size = 0;
    std::array<std::byte, max_control_payload> bytes;
};

message_assembler::message_assembler(role self, const message_limits& limits,
                                     assembler_shared& shared,
                                     std::optional<inflate_settings> inflate) noexcept
    : decoder_(self, inflate.has_value()),
      limits_(&limits),
      shared_(&shared),
      buffer_(shared.budget, shared.blocks) {
    if (inflate) inflater_.emplace(inflate->window_bits, inflate->keep_history, shared.streams);
}

message_assembler::~message_assembler() = default;

message_event message_assembler::fail(errc why) noexcept {
    error_ = why;
    payload_ = {};
    buffer_.clear();
    return message_event::failed;
}

message_event message_assembler::next_of_any(byte_span& input, time_point now,
                                             std::int64_t& allowance) noexcept {
    if (error_ != errc{}) return message_event::failed;
    if (buffer_was_told_) {
        buffer_.clear();
        buffer_was_told_ = false;
    }
    maybe_event event;
    if (inflating_) event = inflate_some(input, allowance);
    while (!event) {
        if (allowance <= 0 && !input.empty()) return message_event::yielded;
        frame_piece piece;
        switch (decoder_.next(input, limits_->max_message, piece)) {
            case decode_status::need_more: return message_event::need_more;
            case decode_status::failed: return fail(decoder_.error());
            case decode_status::piece: break;
        }
        if (piece.begins) allowance -= frame_cost;
        event = is_control(piece.op) ? on_control(piece, now) : on_data(piece, input, allowance);
    }
    return *event;
}

message_assembler::maybe_event message_assembler::on_control(const frame_piece& piece,
                                                             time_point now) noexcept {
    if (piece.begins) {
        if (piece.op == opcode::pong && pongs_due_ != 0) {
            --pongs_due_;
        } else if (piece.op != opcode::close &&
                   !control_rate_.allow(now, limits_->control_interval, limits_->control_burst)) {
            return fail(errc::control_flood);
        }
        if (piece.ends) return tell_control(piece.op, piece.payload);
        if (control_ == nullptr) control_.reset(new (std::nothrow) control_buffer);
        if (control_ == nullptr) return fail(errc::out_of_budget);
        control_->op = piece.op;
        control_->size = 0;
    }
    if (!piece.payload.empty()) {
        std::memcpy(control_->bytes.data() + control_->size, piece.payload.data(),
                    piece.payload.size());
        control_->size += piece.payload.size();
    }
    if (!piece.ends) return std::nullopt;
    return tell_control(control_->op, {control_->bytes.data(), control_->size});
}

message_event message_assembler::tell_control(opcode op, byte_view payload) noexcept {
    payload_ = payload;
    if (op == opcode::ping) return message_event::ping;
    if (op == opcode::pong) return message_event::pong;
    close_ = parse_close(payload);
    if (close_.error) return fail(*close_.error);
    return message_event::close;
}

std::optional<errc> message_assembler::begin_frame(const frame_piece& piece) noexcept {
    if (fragments_ == 0) {
        text_ = piece.op == opcode::text;
        compressed_ = piece.compressed;
        arrived_ = 0;
        utf8_.reset();
    }
    // Nothing is kept of a frame but its payload: what is left to bound are the empty ones.
    ++fragments_;
    if (fragments_ > spare_fragments && fragments_ - spare_fragments > limits_->max_message)
        return errc::too_many_fragments;
    return std::nullopt;
}

message_assembler::maybe_event message_assembler::on_data(const frame_piece& piece,
                                                          byte_span& input,
                                                          std::int64_t& allowance) noexcept {
    if (piece.begins) {
        if (fragments_ == 0 && piece.ends && piece.fin && !piece.compressed) {
            return tell_whole(piece);
        }
        if (const auto why = begin_frame(piece)) return fail(*why);
    }
    arrived_ += piece.payload.size();
    if (!compressed_) return append_plain(piece);
    // Back to the front of the input: on `yielded` the caller keeps what is not inflated yet.
    input = {piece.payload.data(), piece.payload.size() + input.size()};
    undigested_ = piece.payload.size();
    last_piece_ = piece.ends && piece.fin;
    inflating_ = true;
    return inflate_some(input, allowance);
}

message_assembler::maybe_event message_assembler::append_plain(const frame_piece& piece) noexcept {
    const byte_view bytes = piece.payload;
    if (text_ && !(piece.ascii && utf8_.complete()) && !utf8_.feed(bytes)) {
        return fail(errc::invalid_utf8);
    }
    if (!bytes.empty() && bytes.data() == buffer_.room().data()) {
        buffer_.commit(bytes.size());
    } else {
        const std::uint64_t final_size =
            piece.fin ? buffer_.size() + bytes.size() + decoder_.payload_left()
                      : limits_->max_message;
        if (!buffer_.append(bytes, static_cast<std::size_t>(final_size))) {
            return fail(errc::out_of_budget);
        }
    }
    if (!piece.ends || !piece.fin) return std::nullopt;
    if (text_ && !utf8_.complete()) return fail(errc::invalid_utf8);
    buffer_was_told_ = true;
    return tell_message(buffer_.content());
}

message_assembler::maybe_event message_assembler::inflate_some(byte_span& input,
                                                               std::int64_t& allowance) noexcept {
    const byte_span scratch = shared_->inflate_scratch;
    const auto final_size = static_cast<std::size_t>(limits_->max_message);
    std::size_t fresh = 0;  // inflated bytes in the scratch that are not in the buffer yet
    inflate_status status = inflate_status::output_full;
    while (status == inflate_status::output_full && allowance > 0) {
        if (fresh == scratch.size()) {
            if (!buffer_.append(scratch, final_size)) return fail(errc::out_of_budget);
            fresh = 0;
        }
        const std::uint64_t left = limits_->max_message - buffer_.size() - fresh;
        const std::uint64_t room = std::min(
            {std::uint64_t{scratch.size() - fresh}, left, static_cast<std::uint64_t>(allowance)});
        std::byte beyond;  // at the limit, one byte more tells that the message is too big
        const byte_span out = left == 0 ? byte_span(&beyond, 1)
                                        : scratch.subspan(fresh, static_cast<std::size_t>(room));
        const std::size_t given = std::min(undigested_, input.size());
        byte_view pending = input.first(given);
        const inflater::step step = inflater_->run(pending, last_piece_, out);
        input = input.subspan(given - pending.size());
        undigested_ -= given - pending.size();

        status = step.status;
        if (status == inflate_status::corrupt) return fail(errc::bad_deflate_data);
        if (left == 0 && step.produced != 0) return fail(errc::message_too_big);
        if (text_ && !utf8_.feed(out.first(step.produced))) return fail(errc::invalid_utf8);
        fresh += step.produced;
        allowance -= static_cast<std::int64_t>(step.produced);
    }
    const byte_view inflated = scratch.first(fresh);
    if (status == inflate_status::finished) return finish_inflated(inflated);
    if (!buffer_.append(inflated, final_size)) return fail(errc::out_of_budget);
    if (status == inflate_status::output_full) return message_event::yielded;
    inflating_ = false;
    return std::nullopt;
}

message_event message_assembler::finish_inflated(byte_view inflated) noexcept {
    inflating_ = false;
    if (text_ && !utf8_.complete()) return fail(errc::invalid_utf8);
    if (buffer_.size() == 0) return tell_message(inflated);
    if (!buffer_.append(inflated, buffer_.size() + inflated.size())) {
        return fail(errc::out_of_budget);
    }
    buffer_was_told_ = true;
    return tell_message(buffer_.content());
}

buffer_slice message_assembler::take_payload() noexcept {
    if (buffer_was_told_) {
        buffer_was_told_ = false;
        return buffer_.take();
    }
    buffer_ref copy = shared_buffer::allocate(payload_.size());
    if (!copy) return {};
    if (!payload_.empty()) std::memcpy(copy->data(), payload_.data(), payload_.size());
    const byte_view bytes{copy->data(), payload_.size()};
    return {std::move(copy), bytes};
}

byte_span message_assembler::read_target() noexcept {
    const std::uint64_t left = decoder_.payload_left();
    if (!in_message() || compressed_ || left < worth_receiving_in_place ||
        buffer_.size() < worth_receiving_in_place) {
        return {};
    }
    // At most as much again as has arrived.
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer_.size()));
    if (buffer_.room().size() < worth_receiving_in_place &&
        !buffer_.reserve(wanted, buffer_.size() + left))
        return {};
    const byte_span room = buffer_.room();
    return room.first(static_cast<std::size_t>(std::min<std::uint64_t>(left, room.size())));
}

void message_assembler::release() noexcept {
    if (inflater_ && !in_message()) inflater_->release();
}

}  // namespace weft::ws
