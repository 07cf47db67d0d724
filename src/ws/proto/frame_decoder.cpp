// The frame decoder. A header that is complete in the input is read at once; one that is split is
// taken byte by byte into numbers. Both ways run the same checks in the same order, so where the
// input was split cannot change what comes out.

#include <algorithm>
#include <bit>
#include <limits>

#include "ws/proto/frame_decoder.hpp"

namespace weft::ws {
namespace {

constexpr std::uint8_t fin_bit = 0x80;
constexpr std::uint8_t rsv1_bit = 0x40;
constexpr std::uint8_t rsv23_bits = 0x30;
constexpr std::uint8_t opcode_bits = 0x0F;
constexpr std::uint8_t mask_bit = 0x80;
constexpr std::uint8_t length_16 = 126;
constexpr std::uint8_t length_64 = 127;

constexpr std::uint8_t value_of(std::byte b) noexcept {
    return std::to_integer<std::uint8_t>(b);
}

constexpr opcode opcode_of(std::uint8_t first) noexcept {
    return static_cast<opcode>(first & opcode_bits);
}

constexpr std::size_t extended_size(std::uint8_t length_code) noexcept {
    return length_code == length_16 ? 2 : length_code == length_64 ? 8 : 0;
}

/// The limit on the wire: what zlib may make of incompressible data is below a quarter more.
constexpr std::uint64_t wire_limit(std::uint64_t max_message, bool compressed) noexcept {
    if (!compressed) return max_message;
    const std::uint64_t slack = max_message / 4 + 1024;
    const std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
    return slack > most - max_message ? most : max_message + slack;
}

template <class Number>
Number load_big_endian(const std::byte* from) noexcept {
    Number value = 0;
    for (std::size_t i = 0; i < sizeof(Number); ++i) {
        value = static_cast<Number>(value << 8 | value_of(from[i]));
    }
    return value;
}

}  // namespace

decode_status frame_decoder::fail(errc why) noexcept {
    stage_ = stage::failed;
    error_ = why;
    return decode_status::failed;
}

bool frame_decoder::check_first(std::uint8_t byte) noexcept {
    const opcode op = opcode_of(byte);
    const bool starts_message = op == opcode::text || op == opcode::binary;
    first_ = byte;
    if ((byte & rsv23_bits) != 0 || ((byte & rsv1_bit) != 0 && !(deflate_ && starts_message))) {
        return fail(errc::reserved_bits), false;
    }
    if (is_control(op)) {
        if (op > opcode::pong) return fail(errc::reserved_opcode), false;
        if ((byte & fin_bit) == 0) return fail(errc::fragmented_control), false;
        return true;
    }
    if (op > opcode::binary) return fail(errc::reserved_opcode), false;
    if (starts_message == in_message_) {
        return fail(in_message_ ? errc::expected_continuation : errc::unexpected_continuation),
               false;
    }
    return true;
}

bool frame_decoder::check_length(std::uint8_t byte) noexcept {
    const bool masked = (byte & mask_bit) != 0;
    if (masked != (self_ == role::server)) {
        return fail(masked ? errc::masked_frame : errc::unmasked_frame), false;
    }
    length_ = byte & 0x7F;
    if (length_ > max_control_payload && is_control(opcode_of(first_))) {
        return fail(errc::control_too_long), false;
    }
    return true;
}

bool frame_decoder::check_size(std::uint64_t max_message) noexcept {
    if (length_ == length_16 && frame_size_ < 126) return fail(errc::non_minimal_length), false;
    if (length_ == length_64) {
        if (frame_size_ >> 63 != 0) return fail(errc::length_overflow), false;
        if (frame_size_ <= 0xFFFF) return fail(errc::non_minimal_length), false;
    }
    const opcode op = opcode_of(first_);
    if (is_control(op)) return true;
    if (op != opcode::continuation) {
        message_left_ = wire_limit(max_message, (first_ & rsv1_bit) != 0);
    }
    if (frame_size_ > message_left_) return fail(errc::message_too_big), false;
    message_left_ -= frame_size_;
    return true;
}

bool frame_decoder::has_whole_header(byte_span input) const noexcept {
    if (input.size() < 2) return false;
    const std::uint8_t length_code = value_of(input[1]) & 0x7F;
    const std::size_t key_size = self_ == role::server ? sizeof key_ : 0;
    return input.size() >= 2 + extended_size(length_code) + key_size;
}

bool frame_decoder::read_whole_header(byte_span& input, std::uint64_t max_message) noexcept {
    const std::byte* const bytes = input.data();
    if (!check_first(value_of(bytes[0])) || !check_length(value_of(bytes[1]))) return false;
    const std::size_t extended = extended_size(length_);
    frame_size_ = length_;
    if (extended == 2) frame_size_ = load_big_endian<std::uint16_t>(bytes + 2);
    if (extended == 8) frame_size_ = load_big_endian<std::uint64_t>(bytes + 2);
    if (!check_size(max_message)) return false;
    std::size_t size = 2 + extended;
    if (self_ == role::server) {
        std::memcpy(&key_, bytes + size, sizeof key_);
        size += sizeof key_;
    }
    input = input.subspan(size);
    return true;
}

bool frame_decoder::read_header_byte(std::uint8_t byte, std::uint64_t max_message) noexcept {
    switch (stage_) {
        case stage::first_byte:
            if (!check_first(byte)) return false;
            stage_ = stage::length;
            return true;
        case stage::length:
            if (!check_length(byte)) return false;
            have_ = 0;
            frame_size_ = extended_size(length_) == 0 ? length_ : 0;
            stage_ = stage::extended;
            break;
        case stage::extended:
            frame_size_ = frame_size_ << 8 | byte;
            ++have_;
            break;
        default: reinterpret_cast<std::byte*>(&key_)[have_++] = static_cast<std::byte>(byte); break;
    }
    if (stage_ == stage::extended && have_ == extended_size(length_)) {
        if (!check_size(max_message)) return false;
        have_ = 0;
        stage_ = self_ == role::server ? stage::key : stage::payload;
    } else if (stage_ == stage::key && have_ == sizeof key_) {
        stage_ = stage::payload;
    }
    return true;
}

void frame_decoder::take_payload(byte_span& input, bool begins, frame_piece& out) noexcept {
    const std::size_t now =
        static_cast<std::size_t>(std::min<std::uint64_t>(payload_left_, input.size()));
    out.op = opcode_of(first_);
    out.fin = (first_ & fin_bit) != 0;
    out.compressed = (first_ & rsv1_bit) != 0;
    out.begins = begins;
    out.size = frame_size_;
    out.payload = input.first(now);
    input = input.subspan(now);
    payload_left_ -= now;
    out.ends = payload_left_ == 0;
    out.ascii = false;
    if (self_ == role::server) {
        out.ascii = apply_mask(out.payload, key_);
        key_ = advance_key(key_, now);
    }
    if (!out.ends) {
        stage_ = stage::payload;
        return;
    }
    if (!is_control(out.op)) in_message_ = !out.fin;
    stage_ = out.op == opcode::close ? stage::closed : stage::first_byte;
}

decode_status frame_decoder::next(byte_span& input, std::uint64_t max_message,
                                  frame_piece& out) noexcept {
    if (stage_ == stage::payload) {
        if (input.empty()) return decode_status::need_more;
        take_payload(input, false, out);
        return decode_status::piece;
    }
    if (stage_ == stage::first_byte && has_whole_header(input)) {
        if (!read_whole_header(input, max_message)) return decode_status::failed;
    } else {
        if (stage_ == stage::failed) return decode_status::failed;
        if (stage_ == stage::closed) input = {};
        do {
            if (input.empty()) return decode_status::need_more;
            const std::uint8_t byte = value_of(input.front());
            input = input.subspan(1);
            if (!read_header_byte(byte, max_message)) return decode_status::failed;
        } while (stage_ != stage::payload);
    }
    payload_left_ = frame_size_;
    take_payload(input, true, out);
    return decode_status::piece;
}

}  // namespace weft::ws
