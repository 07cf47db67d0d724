// One socket. Reading happens when the loop says so, into the loop's buffer or where the handler
// wants it; writing only queues, and the loop flushes. Nothing here calls the handler from inside a
// call of the handler: what must be told (drained, closed) is put on a list of the loop. A stream
// ends in three steps: the queue is written, our end is sent, the peer's end is awaited for a short
// while so that the kernel does not reset what the peer has yet to read.

#include "net/tcp_stream.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/heap_cost.hpp"
#include "net/loop_core.hpp"
#include "net/moved_stream.hpp"
#include "net/tls/tls_context.hpp"
#include "net/tls/tls_session.hpp"

namespace weft::net {
namespace {

constexpr std::size_t flush_at = byte_stream::high_water;
constexpr std::size_t write_through_at = 16 * 1024;
constexpr std::size_t max_pieces = 64;
constexpr std::byte tls_handshake_record{0x16};  // RFC 8446 section 5.1
// With its places in the loop's lists, which grow by halves.
constexpr std::size_t stream_cost = slab<tcp_stream>::slot_size() + 10 * sizeof(void*) * 5 / 4;

}  // namespace

void stream_handler::on_end(byte_stream& stream) noexcept {
    stream.close();
}

struct tcp_stream::tls_state {
    static const std::size_t idle_cost;
    explicit tls_state(byte_budget& memory) noexcept : charge(memory, idle_cost) {}

    byte_charge charge;
    std::unique_ptr<tls_session> session;
    send_queue plain;
    std::string early;  // cipher text that came before a handshake was in the budget
};

const std::size_t tcp_stream::tls_state::idle_cost =
    heap_cost_of<tls_state> + tls_session::idle_size;

tcp_stream::tcp_stream(std::uint32_t slot, std::uint32_t generation, loop_core& owner, int fd,
                       const socket_address& from) noexcept
    : loop_(owner),
      id_(owner.index(), slot, generation),
      fd_(fd),
      timer_(*this),
      peer_(this, from) {
    loop_.budget_.charge(stream_cost);
}

tcp_stream::~tcp_stream() {
    out_.clear(loop_.memory_);
    if (tls_ != nullptr) tls_->plain.clear(loop_.memory_);
    charge_queue();
    loop_.budget_.release(stream_cost);
    if (fd_ >= 0) loop_.io_->close(fd_);
}

byte_budget& tcp_stream::memory() noexcept {
    return loop_.budget_;
}

known_peers& tcp_stream::peers() noexcept {
    return loop_.peers();
}

void tcp_stream::on_identified() noexcept {
    if (has_handler()) handler_->on_identified();
}

std::string_view tcp_stream::alpn() const noexcept {
    return tls_ != nullptr ? tls_->session->alpn() : std::string_view{};
}

void tcp_stream::set_tls(std::unique_ptr<tls_session> session) {
    tls_ = std::make_unique<tls_state>(loop_.budget_);
    tls_->session = std::move(session);
    peer_.set_secure();
}

void tcp_stream::set_handler(std::unique_ptr<stream_handler> handler) noexcept {
    if (told_closed_) {
        loop_.bury(std::move(handler));  // too late: the stream is the loop's alone
        return;
    }
    if (handler_ != nullptr) loop_.bury(std::move(handler_));
    handler_ = std::move(handler);
}

void tcp_stream::start() noexcept {
    if (tls_ == nullptr) {
        opened_ = true;
        handler_->on_open();
        return;
    }
    const auto no_plain = [](byte_span) {};
    const auto queue_cipher = [this](byte_view out) {
        if (!out_.append(out, loop_.memory_))
            fail(std::make_error_code(std::errc::not_enough_memory));
    };
    const tls_io io{no_plain, queue_cipher, loop_.scratch(), loop_.now()};
    tls_->session->start(io);
    mark_dirty();
}

result<void> tcp_stream::start_tls(tls_client_context& context, const std::string& name) {
    auto session = context.make_session(name);
    if (!session) return session.error();
    set_tls(std::move(*session));
    opened_ = false;
    start();
    return {};
}

// ---- Reading ----

void tcp_stream::deliver(byte_span data) noexcept {
    if (closing_) return;  // close() was called: nobody wants it any more
    if (tls_ == nullptr) {
        handler_->on_data(data);
    } else {
        deliver_tls(data);
    }
}

void tcp_stream::on_readable() noexcept {
    readable_ = true;
    if (!read_queued_) read();  // else its turn comes in this iteration, once
}

void tcp_stream::on_ending() noexcept {
    end_seen_ = true;
    on_readable();
}

void tcp_stream::on_broken() noexcept {
    if (connecting_) {
        const std::error_code why = loop_.io_->take_error(fd_);
        fail(why ? why : std::make_error_code(std::errc::connection_reset));
        return;
    }
    broken_ = true;
    on_ending();
    if (!dead_ && (paused_ || !readable_)) look_for_error();
}

/// Receiving does not show a reset while nobody reads, nor behind an end that was read. Without an
/// error both ends were sent, and the bytes before them stay for the reader.
[[gnu::noinline]] void tcp_stream::look_for_error() noexcept {
    if (const std::error_code why = loop_.io_->take_error(fd_)) fail(why);
}

void tcp_stream::pause_reading() noexcept {
    paused_ = true;
    if (broken_ && !dead_) look_for_error();
}

void tcp_stream::resume_reading() noexcept {
    paused_ = false;
    if (readable_) read_later();
}

void tcp_stream::read_later() noexcept {
    if (read_queued_) return;
    read_queued_ = true;
    loop_.read_later(id_);
}

void tcp_stream::await_turn() noexcept {
    if (in_line_ || !usable()) return;
    try {
        loop_.line_up(id_);
        in_line_ = true;
    } catch (...) {
        fail(std::make_error_code(std::errc::not_enough_memory));
    }
}

void tcp_stream::take_turn() noexcept {
    in_line_ = false;
    if (usable()) handler_->on_turn();
}

void tcp_stream::read_on() noexcept {
    read_queued_ = false;
    read();
}

void tcp_stream::read() noexcept {
    if (tls_ != nullptr && !opened_) {
        if (!loop_.take_handshake()) return read_later();
        deliver_early();
    } else if (newcomer_) {
        if (!loop_.take_newcomer()) return read_later();
        newcomer_ = false;
    }
    loop_.begin_share();
    std::size_t& left = loop_.bytes_left_;
    const std::size_t enough = left - std::min(left, loop_.options_.budgets.read_bytes);
    while (readable_ && !dead_ && !connecting_ && (!paused_ || closing_) && !has_early()) {
        if (left <= enough) {
            read_later();
            return;
        }
        byte_span target = closing_ || tls_ != nullptr ? byte_span{} : handler_->read_target();
        if (target.empty()) target = loop_.receive_buffer();
        const receive_result got = loop_.io_->receive(fd_, target);
        loop_.metrics_.receives.add();
        switch (got.what) {
            case io_result::status::done: break;
            case io_result::status::would_block: readable_ = false; return;
            case io_result::status::ended: peer_ended(); return;
            default: fail(got.error); return;
        }
        loop_.metrics_.bytes_received.add(got.data.size());
        received_ += got.data.size();
        if (got.emptied && !end_seen_) readable_ = false;
        left -= std::min(left, got.data.size());
        loop_.note_received(got.data.size());
        deliver(got.data);
    }
    if (end_seen_ && readable_ && opened_ && usable()) handler_->on_end_ahead();
}

void tcp_stream::go_on_with(byte_span data) {
    if (!usable() || data.empty()) return;
    if (tls_ == nullptr || loop_.take_handshake()) return deliver(data);
    tls_->early = as_text(data);
    tls_->charge.set(tls_state::idle_cost + heap_cost(tls_->early));
    read_later();
}

bool tcp_stream::has_early() const noexcept {
    return tls_ != nullptr && !tls_->early.empty();
}

void tcp_stream::deliver_early() noexcept {
    if (!has_early()) return;
    std::string early = std::exchange(tls_->early, {});
    tls_->charge.set(tls_state::idle_cost);
    deliver({reinterpret_cast<std::byte*>(early.data()), early.size()});
}

void tcp_stream::deliver_tls(byte_span cipher) noexcept {
    // Who has hung up before its hello was read cannot finish a handshake: do not begin it. One
    // that speaks no TLS is still told so.
    const bool first = newcomer_;
    newcomer_ = false;
    if (first && end_seen_ && cipher.front() == tls_handshake_record)
        return fail(make_error_code(errc::closed_by_peer));
    tls_session& session = *tls_->session;
    const auto announce = [&] {
        if (opened_ || !session.handshake_done()) return;
        opened_ = true;
        loop_.metrics_.tls_handshakes.add();
        handler_->on_open();
    };
    const auto deliver_plain = [&](byte_span plain) {
        announce();
        if (usable()) handler_->on_data(plain);
    };
    const auto queue_cipher = [this](byte_view out) {
        if (!out_.append(out, loop_.memory_))
            fail(std::make_error_code(std::errc::not_enough_memory));
        mark_dirty();
    };
    const tls_io io{deliver_plain, queue_cipher, loop_.scratch(), loop_.now()};
    const auto status = session.receive(cipher, io);
    if (status == tls_session::status::failed) {
        tls_failed();
        // The alert still goes out: the peer should learn why.
        why_ = session.failure_code();
        close();
        return;
    }
    announce();
    if (status == tls_session::status::closed && usable() && !ended_) {
        ended_ = true;
        handler_->on_end(*this);
    }
}

/// A client that speaks no TLS is told so in the words of the protocol above.
void tcp_stream::tls_failed() noexcept {
    const tls_session& session = *tls_->session;
    loop_.metrics_.tls_failures.add();
    if (!session.is_server()) return;  // whoever connects hears of it
    const auto code = static_cast<tls_errc>(session.failure_code().value());
    const bool plain = code == tls_errc::not_tls;
    loop_.tell_refusal(plain ? log_level::warning : log_level::info, "net", describe(code), [&] {
        return refusal_facts{.peer = peer_.address().to_string(), .value = session.detail()};
    });
    if (plain && usable() && out_.empty() &&
        !out_.append(as_bytes(handler_->answer_to_plain()), loop_.memory_))
        fail(std::make_error_code(std::errc::not_enough_memory));
}

void tcp_stream::peer_ended() noexcept {
    readable_ = false;
    const bool news = !ended_;
    ended_ = true;
    if (lingering_) {
        fail(why_ ? why_ : make_error_code(errc::closed_locally));
        return;
    }
    if (closing_) return;  // what is queued may still be wanted: the peer closed one direction only
    if (tls_ != nullptr && tls_->session->receive_end() == tls_session::status::failed) {
        tls_failed();
        fail(tls_->session->failure_code());
        return;
    }
    if (!why_) why_ = make_error_code(errc::closed_by_peer);
    if (!opened_) {
        fail(why_);
    } else if (news) {
        handler_->on_end(*this);
    }
}

// ---- Writing ----

std::size_t tcp_stream::queued() const noexcept {
    return out_.size() + (tls_ != nullptr ? tls_->plain.size() : 0);
}

void tcp_stream::mark_dirty() noexcept {
    if (dirty_ || dead_) return;
    dirty_ = true;
    loop_.flush_later(*this);
}

void tcp_stream::write(byte_view bytes) noexcept {
    if (!usable() || shutdown_) return;
    if (tls_ == nullptr && bytes.size() >= write_through_at && write_through(bytes)) return;
    queued_more(pending().append(bytes, loop_.memory_));
}

void tcp_stream::write(buffer_slice bytes) noexcept {
    if (!usable() || shutdown_) return;
    queued_more(pending().append(std::move(bytes), loop_.memory_));
}

std::byte* tcp_stream::prepare(std::size_t size) noexcept {
    if (!usable() || shutdown_ || queued() >= high_water) return nullptr;
    return pending().prepare(size, loop_.memory_);
}

void tcp_stream::commit(std::size_t size) noexcept {
    pending().commit(size);
    mark_dirty();
    if (queued() >= flush_at) [[unlikely]]
        flush_ahead();
}

/// Where bytes wait that the protocol wrote: under TLS they are not yet encrypted.
send_queue& tcp_stream::pending() noexcept {
    if (tls_ == nullptr) return out_;
    return tls_->plain;
}

void tcp_stream::queued_more(bool appended) noexcept {
    if (!appended) {
        fail(std::make_error_code(std::errc::not_enough_memory));
        return;
    }
    mark_dirty();
    if (queued() >= flush_at) flush_ahead();
}

/// Before the end of the turn.
[[gnu::noinline]] void tcp_stream::flush_ahead() noexcept {
    if (!blocked_ && !loop_.sent_enough()) flush();
    if (queued() > high_water) want_drained_ = true;
}

/// Offers large bytes to the kernel from where they are, behind what is queued, and copies only
/// what it did not take at once. False when they must be queued like any others.
bool tcp_stream::write_through(byte_view bytes) noexcept {
    if (blocked_ || connecting_ || loop_.sent_enough()) return false;
    std::array<iovec, max_pieces> pieces;
    const auto [used, gathered] = out_.gather(std::span(pieces).first(max_pieces - 1));
    const std::size_t before = out_.size();
    if (gathered != before) return false;  // more pieces are queued than one send takes
    pieces[used] = {const_cast<std::byte*>(bytes.data()), bytes.size()};
    const io_result sent = loop_.io_->send_now(fd_, std::span(pieces).first(used + 1));
    loop_.metrics_.sends.add();
    if (sent.what == io_result::status::failed) {
        fail(sent.error);
        return true;
    }
    count_sent(sent.bytes);
    const std::size_t of_queue = std::min(sent.bytes, before);
    out_.consume(of_queue, loop_.memory_);
    if (sent.bytes == before + bytes.size()) return true;
    if (!out_.append(bytes.subspan(sent.bytes - of_queue), loop_.memory_)) {
        fail(std::make_error_code(std::errc::not_enough_memory));
        return true;
    }
    block(sent.bytes > 0);
    mark_dirty();  // to be charged for it
    return true;
}

/// The kernel is full; the event for new room is edge-triggered and sure to come.
void tcp_stream::block(bool took_some) noexcept {
    loop_.metrics_.would_block.add();
    await_event(took_some);
}

void tcp_stream::await_event(bool took_some) noexcept {
    blocked_ = true;
    want_drained_ = true;
    // Once closing, the deadline is that of `close`, which progress does not move.
    if (closing_ || (!took_some && write_deadline_ != time_point::max())) return;
    left_in_kernel_ = loop_.io_->undelivered(fd_);
    write_deadline_ = later(loop_.now(), loop_.options_.limits.write_stall);
    update_timer();
}

void tcp_stream::count_sent(std::size_t bytes) noexcept {
    sent_ += bytes;
    loop_.metrics_.bytes_sent.add(bytes);
}

void tcp_stream::ask_drained() noexcept {
    want_drained_ = true;
    mark_dirty();  // it is told behind a flush
}

byte_stream::progress tcp_stream::delivered() const noexcept {
    const std::size_t on_the_way = loop_.io_->undelivered(fd_);
    return {sent_ - std::min<std::uint64_t>(sent_, on_the_way), on_the_way + queued()};
}

/// The kernel may hold megabytes, and asks for more only when a third of them is gone: over a slow
/// link that takes longer than any deadline.
bool tcp_stream::kernel_goes_on() noexcept {
    if (closing_ || lingering_) return false;
    const std::size_t left = loop_.io_->undelivered(fd_);
    return left < std::exchange(left_in_kernel_, left);
}

void tcp_stream::encrypt_pending() noexcept {
    // Not by way of `scratch`: a handler may be reading from there, this stream's or another's.
    // Full records, and no more ahead of the kernel than one flush: what is encrypted cannot be
    // taken back.
    constexpr std::size_t record = 16 * 1024;
    const auto no_plain = [](byte_span) {};
    const auto queue_cipher = [this](byte_view out) {
        if (!out_.append(out, loop_.memory_))
            fail(std::make_error_code(std::errc::not_enough_memory));
    };
    const tls_io io{no_plain, queue_cipher, loop_.scratch(), loop_.now()};
    if (tls_->session->state() == tls_session::status::failed) {
        tls_->plain.clear(loop_.memory_);
        return;
    }
    while (!tls_->plain.empty() && out_.size() < flush_at && !dead_) {
        const std::size_t taken = tls_->plain.peek(loop_.seal_buffer().first(record));
        if (tls_->session->send(loop_.seal_buffer().first(taken), io) ==
            tls_session::status::failed) {
            loop_.metrics_.tls_failures.add();
            fail(tls_->session->failure_code());
            return;
        }
        tls_->plain.consume(taken, loop_.memory_);
    }
    if (tls_->plain.empty() && (shutdown_ || closing_) && opened_ && !dead_)
        tls_->session->shutdown(io);
}

void tcp_stream::flush_dirty() noexcept {
    dirty_ = false;
    flush();
    charge_queue();
}

bool tcp_stream::put_off() noexcept {
    if (queued() < flush_at || blocked_ || dead_) return false;
    charge_queue();
    return true;
}

/// What is still queued after a flush waits, and counts. A block that several streams share counts
/// for each of them.
void tcp_stream::charge_queue() noexcept {
    const std::size_t waits = queued();
    if (waits == charged_) return;
    if (waits > charged_) peer_.charge(waits - charged_);
    if (waits < charged_) peer_.release(charged_ - waits);
    charged_ = waits;
}

void tcp_stream::flush() noexcept {
    if (blocked_ || dead_ || connecting_) return;
    for (;;) {
        if (tls_ != nullptr && opened_) encrypt_pending();
        if (out_.empty() || dead_) break;
        std::array<iovec, max_pieces> pieces;
        const auto [used, offered] = out_.gather(pieces);
        const io_result sent = loop_.io_->send(fd_, std::span(pieces).first(used));
        loop_.metrics_.sends.add();
        if (sent.what == io_result::status::failed) return fail(sent.error);
        if (sent.what == io_result::status::in_flight) {
            in_flight_ = true;
            await_event(false);
            return;
        }
        count_sent(sent.bytes);
        out_.consume(sent.bytes, loop_.memory_);
        if (sent.bytes < offered) {
            block(sent.bytes > 0);
            return;
        }
        if (tls_ == nullptr && out_.empty()) break;
    }
    if (!dead_) after_flush();
}

/// Everything queued has gone to the kernel.
void tcp_stream::after_flush() noexcept {
    if (write_deadline_ != time_point::max() && !lingering_) {
        write_deadline_ = time_point::max();
        update_timer();
    }
    if (want_drained_ && !drained_queued_ && opened_ && usable()) {
        drained_queued_ = true;
        loop_.drained_later(id_);
    }
    if (!shutdown_ && !closing_) return;
    if (!shutdown_sent_) {
        shutdown_sent_ = true;
        loop_.io_->shutdown(fd_);
    }
    if (!closing_ || lingering_) return;
    if (ended_) {
        fail(why_ ? why_ : make_error_code(errc::closed_locally));
        return;
    }
    lingering_ = true;
    deadline_ = time_point::max();
    write_deadline_ = later(loop_.now(), loop_.options_.limits.linger);
    update_timer();
    finish_later();
    resume_reading();
}

void tcp_stream::on_writable() noexcept {
    if (connecting_) return on_connected();
    if (blocked_ && !in_flight_) write_on();
}

[[gnu::noinline]] void tcp_stream::on_connected() noexcept {
    if (const std::error_code why = loop_.io_->take_error(fd_)) return fail(why);
    connecting_ = false;
    loop_.metrics_.connected.add();
    start();
}

/// The kernel has room again.
[[gnu::noinline]] void tcp_stream::write_on() noexcept {
    blocked_ = false;
    if (loop_.sent_enough()) return mark_dirty();
    flush();
    charge_queue();
}

void tcp_stream::on_sent(const io_result& how) noexcept {
    in_flight_ = false;
    if (dead_) return finish_later();  // it had stayed for the bytes only
    if (how.what == io_result::status::failed) return fail(how.error);
    blocked_ = false;
    count_sent(how.bytes);
    out_.consume(how.bytes, loop_.memory_);
    if (!closing_ && how.bytes > 0) write_deadline_ = time_point::max();
    flush();
    charge_queue();
}

void tcp_stream::tell_drained() noexcept {
    drained_queued_ = false;
    if (!usable() || queued() != 0) return;  // written again since: told when that is gone
    want_drained_ = false;
    handler_->on_drained();
}

// ---- Ending ----

void tcp_stream::shutdown() noexcept {
    if (!usable() || shutdown_) return;
    shutdown_ = true;
    mark_dirty();
}

void tcp_stream::close() noexcept {
    if (!usable()) return;
    closing_ = true;
    if (!why_) why_ = make_error_code(errc::closed_locally);
    // A peer that reads a byte now and then may not keep us for ever.
    const auto slow = std::chrono::seconds(queued() / 4096);
    write_deadline_ = later(later(loop_.now(), loop_.options_.limits.close_grace), slow);
    update_timer();
    mark_dirty();
    if (readable_) resume_reading();
}

void tcp_stream::abort(std::error_code why) noexcept {
    if (dead_) return;
    why_ = {};
    reset_ = true;
    fail(why);
}

void tcp_stream::fail(std::error_code why) noexcept {
    if (dead_) return;
    dead_ = true;
    if (!lingering_ && why != errc::closed_locally && why != errc::closed_by_peer)
        loop_.metrics_.broken.add();
    if (!why_ || why_ == errc::closed_by_peer) why_ = why;
    finish_later();
}

void tcp_stream::finish_later() noexcept {
    if (finish_queued_) return;
    finish_queued_ = true;
    loop_.finish_later(*this);
}

bool tcp_stream::finish() noexcept {
    if (!told_closed_) {
        told_closed_ = true;
        if (handler_ != nullptr) {
            handler_->on_closed(why_);
            loop_.bury(std::move(handler_));
        }
    }
    finish_queued_ = false;  // only now: on_closed may have aborted a stream that was to linger
    if (!dead_) return false;
    const int fd = std::exchange(fd_, -1);  // none when the connection lives on elsewhere
    if (fd >= 0) {
        if (reset_) {
            loop_.io_->reset(fd);
        } else {
            loop_.io_->close(fd);
        }
    }
    return !in_flight_;  // what the backend still sends from is ours
}

// ---- Moving to another loop ----

moved_stream tcp_stream::leave() {
    // What is queued lies in this loop's memory: it is copied.
    const auto copy = [](const send_queue& from, std::string& out) {
        out.resize(from.size());
        from.peek({reinterpret_cast<std::byte*>(out.data()), out.size()});
    };
    std::string unsent;
    std::string unsent_plain;
    if (tls_ != nullptr) copy(tls_->plain, unsent_plain);
    copy(out_, unsent);
    unsent.erase(0, loop_.io_->unwatch(fd_));
    moved_stream moved(*loop_.io_, std::exchange(fd_, -1), peer_);
    moved.peer_.take_traffic(peer_);
    moved.unsent_ = std::move(unsent);
    moved.unsent_plain_ = std::move(unsent_plain);
    if (tls_ != nullptr) moved.tls_ = std::move(tls_->session);
    told_closed_ = true;
    dead_ = true;
    loop_.bury(std::move(handler_));
    finish_later();
    return moved;
}

void tcp_stream::resume(moved_stream& from) {
    opened_ = true;
    peer_.take_traffic(from.peer_);
    if (from.peer_.who() != nullptr) peer_.identify(*from.peer_.who());
    if (from.tls_ != nullptr) set_tls(std::move(from.tls_));
    const bool queued_all = out_.append(as_bytes(from.unsent_), loop_.memory_) &&
                            (from.unsent_plain_.empty() ||
                             tls_->plain.append(as_bytes(from.unsent_plain_), loop_.memory_));
    queued_more(queued_all);
    handler_->on_open();
    if (from.unread.empty()) return;
    const std::size_t size = from.unread.size();
    from.unread.resize(size + loop_core::padding);  // what on_data promises
    handler_->on_data({reinterpret_cast<std::byte*>(from.unread.data()), size});
}

// ---- Time ----

void tcp_stream::set_deadline(time_point when) noexcept {
    if (lingering_ || dead_) return;
    deadline_ = when;
    update_timer();
}

void tcp_stream::clear_deadline() noexcept {
    // The wheel finds out by itself: an entry that fires too early is looked at and forgotten.
    deadline_ = time_point::max();
}

void tcp_stream::update_timer() noexcept {
    const time_point next = std::min(deadline_, write_deadline_);
    if (next != time_point::max()) loop_.wheel_.arm(timer_, next);
}

void tcp_stream::stalled_for_good() noexcept {
    loop_.metrics_.write_timeouts.add();
    loop_.tell_refusal(log_level::warning, "net",
                       closing_ ? "a peer did not take what was queued within close_grace"
                                : "a peer took nothing of what is queued for write_stall",
                       [this] { return refusal_facts{.peer = peer_.address().to_string()}; });
}

void tcp_stream::on_timer(timer_node& node) {
    tcp_stream& self = static_cast<stream_timer&>(node).stream;
    const time_point now = self.loop_.now();
    if (self.dead_) return;
    if (self.write_deadline_ <= now && self.kernel_goes_on())
        self.write_deadline_ = later(now, self.loop_.options_.limits.write_stall);
    if (self.write_deadline_ <= now) {
        if (!self.lingering_) self.stalled_for_good();
        self.reset_ = !self.lingering_;
        self.fail(make_error_code(errc::timed_out));
        return;
    }
    if (self.deadline_ <= now) {
        self.deadline_ = time_point::max();
        if (self.has_handler()) self.handler_->on_deadline();
    }
    self.update_timer();
}

}  // namespace weft::net
