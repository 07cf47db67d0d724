// Collects the attachments of packets. Memory follows what has arrived, never what was announced:
// `room_` is the limit minus all bytes so far, so nothing is kept before it was charged.
// Invariant: while `due_` is not 0, text_ holds the packet's text and ends_ one entry for each
// attachment that came.

#include "socketio/proto/packet_assembler.hpp"

namespace weft::socketio {

packet_event packet_assembler::fail(errc why) noexcept {
    error_ = why;
    due_ = 0;
    return packet_event::failed;
}

packet_event packet_assembler::parse(std::string_view message) noexcept {
    const packet_result result = parse_packet(message, limits_, version_);
    if (!result) return fail(result.error);
    packet_ = result.packet;
    return packet_event::packet;
}

/// Forgets the packet before. A large one does not leave a large buffer behind.
void packet_assembler::forget() {
    constexpr std::size_t worth_keeping = 4096;
    text_.clear();
    bytes_.clear();
    ends_.clear();
    attachments_.clear();
    if (text_.capacity() > worth_keeping) text_.shrink_to_fit();
    if (bytes_.capacity() > worth_keeping) bytes_.shrink_to_fit();
    recount();
}

/// Whether so many bytes more may be kept. What holds the attachments doubles when it is full.
bool packet_assembler::has_room(std::size_t bytes) const noexcept {
    return charge_.has_room(bytes_.size() + bytes);
}

void packet_assembler::recount() noexcept {
    charge_.set(heap_cost_of<packet_assembler> + heap_cost(text_) + heap_cost(bytes_) +
                heap_cost(ends_) + heap_cost(attachments_));
}

packet_event packet_assembler::text(std::string_view message) {
    if (error_ != errc{}) return packet_event::failed;
    if (due_ > 0) return fail(errc::expected_attachment);
    if (message.size() > limits_.max_packet) return fail(errc::packet_too_big);
    forget();
    if (!has_attachments(message)) return parse(message);

    if (!has_room(message.size())) return fail(errc::out_of_memory);
    text_ = message;  // before it is parsed, since the views must be into our copy
    recount();
    if (parse(text_) == packet_event::failed) return packet_event::failed;
    due_ = packet_.attachments;
    room_ = limits_.max_packet - text_.size();
    return packet_event::need_more;
}

packet_event packet_assembler::binary(byte_view message) {
    if (error_ != errc{}) return packet_event::failed;
    if (due_ == 0) return fail(errc::unexpected_binary);
    if (message.size() > room_) return fail(errc::packet_too_big);
    room_ -= message.size();
    if (--due_ > 0) {
        if (!has_room(message.size())) return fail(errc::out_of_memory);
        bytes_.insert(bytes_.end(), message.begin(), message.end());
        ends_.push_back(bytes_.size());
        recount();
        return packet_event::need_more;
    }
    cut_attachments(message);
    return packet_event::packet;
}

void packet_assembler::cut_attachments(byte_view last) {
    std::size_t begin = 0;
    for (const std::size_t end : ends_) {
        attachments_.push_back(byte_view(bytes_).subspan(begin, end - begin));
        begin = end;
    }
    attachments_.push_back(last);
}

}  // namespace weft::socketio
