// How a WebSocket sends: messages, control frames, fragments, and who wants to know when they are
// written. While the peer keeps up, messages go straight to the writer; once the stream is behind,
// whole messages wait in an outbox under the endpoint's policy, so that what is dropped is always a
// message and never part of one.

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "ws/connection_parts.hpp"

namespace weft::ws {
namespace {

constexpr std::size_t by_reference_at = 16 * 1024;

std::size_t wire_size(std::size_t payload) noexcept {
    return payload + max_frame_header;
}

}  // namespace

send_status connection_core::send(const message_view& what) noexcept {
    if (!loop().in_loop_thread()) return send_status::misuse;
    if (state_ != state::open) return send_status::closed;
    // `max_queue` is never below what the stream takes while it has room.
    const bool waits = slow_ != nullptr && slow_->outbox;
    if (!waits && out_.try_small(what.kind(), what.bytes())) return send_status::sent;
    return send_any(what);
}

/// Whether so many bytes go out now, and do not wait for the peer or have to be refused. What can
/// be replaced while it waits waits as soon as the kernel takes no more. Who has taken everything
/// so far is not slow: then a message may be larger than the queue.
bool connection_core::goes_out_now(std::size_t wire, bool latest) {
    const std::size_t ahead = stream().queued();
    if ((slow_ != nullptr && slow_->outbox) || ahead >= net::byte_stream::high_water ||
        (latest && stream().stalled()))
        return false;
    const std::size_t limit = chosen().max_queue;
    if (wire <= limit - std::min(limit, ahead)) return true;
    if (stream().stalled()) return false;
    if (wire > limit) slow().beyond = wire;
    return true;
}

send_status connection_core::send_any(const message_view& what) noexcept {
    return within_memory([&] {
        if (goes_out_now(wire_size(what.size()), false)) {
            send_now(what);
            return send_status::sent;
        }
        const message kept(what);
        return kept ? queue({&kept, 1}, wire_size(what.size())) : send_status::dropped;
    });
}

send_status connection_core::send(const message& what) noexcept {
    if (!loop().in_loop_thread()) return send_status::misuse;
    return deliver(what);
}

send_status connection_core::send(std::span<const message> group) noexcept {
    if (!loop().in_loop_thread()) return send_status::misuse;
    return deliver_group(group);
}

send_status connection_core::deliver(const message& what) noexcept {
    return deliver_group({&what, 1});
}

send_status connection_core::deliver_group(std::span<const message> group) noexcept {
    if (state_ != state::open) return send_status::closed;
    std::size_t wire = 0;
    for (const message& what : group) {
        if (!what) return send_status::dropped;  // there was no memory to make it
        wire += wire_size(what.size());
    }
    return within_memory([&] {
        if (!goes_out_now(wire, group.front().latest())) return queue(group, wire);
        for (const message& what : group) out_.write_shared(what);
        return send_status::sent;
    });
}

send_status connection_core::queue(std::span<const message> group, std::size_t wire) {
    slow_state& s = slow();
    if (!s.outbox) {
        s.outbox.emplace(chosen().max_queue, shared().hub.metrics(), loop().budget());
    }
    const std::size_t ahead = stream().queued();
    const std::uint64_t oldest = s.outbox->oldest();
    const send_status status =
        s.outbox->push(group, wire, ahead - std::min(ahead, s.beyond), chosen().overflow);
    if (s.outbox->oldest() != oldest) lose_watched(s.outbox->oldest(), errc::slow_consumer);
    if (s.outbox->empty() && !s.in_fragments) s.outbox.reset();
    if (status == send_status::closed) {
        // The peer does not read, so nothing that waits will arrive; the close frame tells why if
        // it ever reads on.
        fail(errc::slow_consumer);
    }
    return status;
}

void connection_core::send_now(const message_view& what) {
    if (out_.try_compressed(what.kind(), what.bytes())) return;
    out_.write_plain(what.kind(), what.bytes(), received_block(what.bytes()));
}

/// The buffer of the message being handled, when these are bytes of it: what is sent on need not be
/// copied.
buffer_ref connection_core::received_block(byte_view part) noexcept {
    if (!dispatching_ || out_.self() == role::client || part.size() < by_reference_at) return {};
    const byte_view received = assembler_.payload();
    if (part.data() < received.data() ||
        part.data() + part.size() > received.data() + received.size()) {
        return {};
    }
    if (!dispatched_.owner && assembler_.owns_payload()) dispatched_ = assembler_.take_payload();
    return dispatched_.bytes.data() == received.data() ? dispatched_.owner : buffer_ref{};
}

send_status connection_core::may_send_control(byte_view payload) const noexcept {
    if (!loop().in_loop_thread() || payload.size() > max_control_payload)
        return send_status::misuse;
    return state_ == state::open ? send_status::sent : send_status::closed;
}

send_status connection_core::ping(byte_view payload) noexcept {
    const send_status may = may_send_control(payload);
    if (may != send_status::sent) return may;
    // A peer that does not read has enough to answer already.
    if (stream().queued() >= net::byte_stream::high_water) return send_status::dropped;
    assembler_.expect_pong();
    out_.write_control(opcode::ping, payload);
    return stream().stalled() ? send_status::queued : send_status::sent;
}

send_status connection_core::pong(byte_view payload) noexcept {
    const send_status may = may_send_control(payload);
    if (may != send_status::sent) return may;
    return within_memory([&] { return answer_ping(payload); });
}

/// A fragment never waits where a policy could drop it: the stream takes it or it is refused. The
/// outbox that stands open meanwhile is what keeps other messages back.
send_status connection_core::write_fragment(const message_view& piece, fragment which) {
    const bool begins = slow_ == nullptr || !slow_->in_fragments;
    if (begins && which == fragment::last) return send(piece);
    slow_state& s = slow();
    const std::size_t ahead = stream().queued(), limit = chosen().max_queue;
    const bool others_wait = begins && s.outbox;
    if (others_wait ||
        (stream().stalled() && wire_size(piece.size()) > limit - std::min(limit, ahead))) {
        shared().hub.metrics().dropped_newest.add();
        return send_status::dropped;
    }
    if (begins) s.outbox.emplace(limit, shared().hub.metrics(), loop().budget());
    s.in_fragments = which == fragment::more;
    const opcode op = begins ? opcode_of(piece.kind()) : opcode::continuation;
    out_.write_fragment({op, which == fragment::last}, piece.bytes());
    if (!s.in_fragments) {
        pump();
        advance_written();
        update_behind();
    }
    return stream().stalled() ? send_status::queued : send_status::sent;
}

send_status connection_core::send_fragment(const message_view& piece, fragment which,
                                           unique_function<void(std::error_code)> done) noexcept {
    return watch_written(std::move(done), [&] { return write_fragment(piece, which); });
}

send_status connection_core::send(const message_view& what,
                                  unique_function<void(std::error_code)> done) noexcept {
    return watch_written(std::move(done), [&] { return send(what); });
}

template <class Send>
send_status connection_core::watch_written(unique_function<void(std::error_code)> done,
                                           Send&& send) noexcept {
    if (!loop().in_loop_thread()) return send_status::misuse;
    if (state_ != state::open) return send_status::closed;
    return within_memory([&] {
        if (!done) return send();
        slow_state& s = slow();
        s.watches.push_back({0, {}, std::move(done)});
        const std::uint64_t before = s.outbox ? s.outbox->next() : 0;
        const send_status status = send();
        if (status != send_status::sent && status != send_status::queued) {
            s.watches.pop_back();
        } else if (s.outbox && s.outbox->next() != before) {
            s.watches.back().after = s.outbox->next();
        } else {
            stream().ask_drained();
        }
        s.recount();
        return status;
    });
}

/// The stream has what was watched and waits no longer, so it is written when the stream is empty.
void connection_core::advance_written() noexcept {
    if (slow_ == nullptr || slow_->watches.empty()) return;
    const std::uint64_t passed = slow_->outbox ? slow_->outbox->oldest() : UINT64_MAX;
    bool any = false;
    for (written_watch& watch : slow_->watches) {
        if (watch.after <= passed) watch.after = 0;
        any = any || watch.after == 0;
    }
    if (any) stream().ask_drained();
}

void connection_core::lose_watched(std::uint64_t before, std::error_code why) noexcept {
    for (written_watch& watch : slow_->watches) {
        if (watch.after == 0 || watch.after > before) continue;
        watch.after = 0;
        watch.why = why;
    }
}

void connection_core::give_up_waiting(std::error_code why) noexcept {
    lose_watched(UINT64_MAX, why);
    slow_->outbox.reset();
    slow_->in_fragments = false;
}

/// What the stream had is written, or lost for `why`.
void connection_core::tell_written(std::error_code why) {
    if (slow_ == nullptr || slow_->watches.empty()) return;
    // What is called may send and watch more.
    std::vector<written_watch> told = std::exchange(slow_->watches, {});
    for (written_watch& watch : told) {
        if (watch.after != 0 && state_ != state::ended) slow_->watches.push_back(std::move(watch));
    }
    slow_->recount();
    for (written_watch& watch : told) {
        if (watch.done) guarded("written", [&] { watch.done(watch.why ? watch.why : why); });
    }
}

/// The stream has room again: what waited goes on, under the same order.
void connection_core::pump() {
    if (slow_ == nullptr || !slow_->outbox || slow_->in_fragments) return;
    while (!slow_->outbox->empty() && stream().queued() < net::byte_stream::high_water) {
        slow_->outbox->take([this](std::span<const message> group) {
            for (const message& next : group) out_.write_shared(next);
        });
    }
    if (slow_->outbox->empty()) slow_->outbox.reset();
}

void connection_core::on_drained() noexcept {
    within_memory([this] { drained(); });
}

void connection_core::drained() {
    if (state_ == state::ended) return;
    if (slow_ != nullptr) {
        slow_->beyond = 0;
        tell_written({});
        if (state_ == state::ended) return;
        pump();
        advance_written();
    }
    if (pong_due_) write_pong();
    if (slow_ != nullptr && slow_->outbox && !slow_->in_fragments) return;
    if (state_ == state::close_wanted) send_close_frame();
    update_behind();
    if (state_ == state::open) guarded("on_drained", [this] { user_->on_drained(); });
    if (holds_.has(hold::kept)) stream().await_turn();
}

}  // namespace weft::ws
