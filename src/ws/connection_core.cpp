// A WebSocket in either role: its states, its user, its deadlines. Receiving: bytes go through the
// assembler, whole messages to the user, violations to `fail`, which answers with the close code of
// the error's row. Sending is in connection_sending.cpp. All deadlines share the stream's one
// timer: a refresh stores a time, and `on_deadline` finds out what is really due.

#include "ws/connection_core.hpp"

#include <algorithm>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "base/heap_cost.hpp"
#include "net/traffic_meter.hpp"
#include "net/work.hpp"
#include "ws/connection_parts.hpp"

namespace weft::ws {
namespace {

/// Why somebody may not stay any longer.
std::string_view ending_of(const identity& who) noexcept {
    if (who.expires == time_point::min()) return "identity revoked";
    return who.claims.empty() ? describe(errc::identity_expired).text : "token expired";
}

}  // namespace

connection_core::connection_core(net::byte_stream& stream, role self,
                                 const connection_settings& settings, connection_shared& shared,
                                 std::optional<deflate_agreement> deflate)
    : out_(stream, self, settings, shared, deflate),
      assembler_(
          self, settings.limits, shared.assembling,
          deflate ? std::optional(inflate_settings{
                        deflate->window_bits(self == role::server ? role::client : role::server),
                        !deflate->no_takeover(self == role::server ? role::client : role::server)})
                  : std::nullopt),
      last_received_(shared.loop.now()),
      next_event_(time_point::max()) {
    if (settings.paces) stream.peer().count_traffic(loop().traffic()).set_own(&*settings.paces);
    metered_ = stream.peer().traffic() != nullptr;
    loop().budget().charge(heap_cost_of<connection_core>);
}

connection_core::~connection_core() {
    loop().budget().release(heap_cost_of<connection_core>);
}

connection_core::slow_state& connection_core::slow() {
    if (slow_ == nullptr) slow_ = std::make_unique<slow_state>(loop().budget());
    return *slow_;
}

void connection_core::run_handler(std::string_view callback, function_ref<void()> code) noexcept {
    guarded(callback, code);
}

// ---- Receiving ----

void connection_core::on_open() noexcept {
    opened_ = true;
    metrics().opened.add();
    metrics().open.add();
    within_memory([this] { shared().connections.add(*this); });
    if (state_ == state::ended) return;
    arm();
    guarded("on_open", [this] { user_->on_open(); });
}

byte_span connection_core::read_target() noexcept {
    return assembler_.read_target();
}

void connection_core::on_data(byte_span data) noexcept {
    last_received_ = loop().now();
    if (ping_pending_) {
        ping_pending_ = false;
        arm();  // the next ping is due before the end that was waited for
    }
    within_memory([&] {
        if (holds_.has(hold::kept) || holds_.has(hold::paused)) {
            if (state_ != state::ended) keep_for_later(data);
        } else {
            consume(data);
        }
    });
}

void connection_core::consume(byte_span data) {
    net::loop_core& home = loop();
    std::int64_t& work_left = home.work_left();
    // Who has a rate is judged by all that came: it may be too far ahead to stay.
    const std::int64_t cost = metered_ ? 0 : net::message_work;
    std::size_t messages = 0;
    const std::size_t bytes = data.size();
    bool yielded = false;
    while (!stopped_) {
        const message_event event = assembler_.next(data, home.now(), work_left);
        if (event == message_event::need_more) break;
        if (event == message_event::text || event == message_event::binary) {
            dispatch_message(event == message_event::text ? message_kind::text
                                                          : message_kind::binary);
            ++messages;
        } else if (event == message_event::yielded) {
            yielded = true;
            break;
        } else {
            dispatch_other(event);
        }
        work_left -= cost;  // what a handler publishes has spent some, too
        if (work_left > 0) continue;
        yielded = !data.empty();
        if (yielded) break;
    }
    if (state_ == state::ended) return;
    if (slow_ != nullptr || assembler_.in_message()) watch_pace(messages > 0);
    if (metered_) {
        home.spend_work(messages * net::message_work);
        if (state_ == state::open) throttle(messages, bytes - data.size());
    }
    if (yielded || holds_.any()) handled_up_to(data, yielded);
    update_behind();
}

/// Of bytes that were kept, or have just come.
void connection_core::handled_up_to(byte_view rest, bool yielded) {
    if (yielded || holds_.has(hold::paused)) {
        if (holds_.has(hold::kept)) {
            slow_->kept.drop_until(rest.data());
        } else {
            keep_for_later(rest);
        }
        if (yielded) stream().await_turn();
    } else {
        drop_kept();
        go_on(hold::kept);
        if (end_waits_) finish();
    }
}

/// From its first byte on, an unfinished message has to keep a rate.
void connection_core::watch_pace(bool finished_one) {
    if (!assembler_.in_message()) {
        if (slow_ != nullptr) slow_->message_began = time_point::max();
    } else if (slow().message_began == time_point::max()) {
        slow_->message_began = loop().now();
        arm();
    } else if (finished_one) {
        slow_->message_began = loop().now();
    }
}

/// Until when what has come of the unfinished message is enough. The moment moves with each byte; a
/// fast beginning does not buy a long silence.
time_point connection_core::message_due() const noexcept {
    if (slow_ == nullptr || slow_->message_began == time_point::max()) return time_point::max();
    constexpr std::chrono::duration<double, duration::period> second = std::chrono::seconds(1);
    const duration earned =
        to_duration(second.count() * static_cast<double>(assembler_.arrived()) /
                    static_cast<double>(std::max<std::uint64_t>(chosen().min_message_rate, 1)));
    const duration grace = chosen().message_grace;
    return std::min(later(slow_->message_began, longer(grace, earned)),
                    later(last_received_, grace));
}

/// The rest of these bytes comes again in a later iteration. It is never more than one read's,
/// since reading stands still meanwhile.
void connection_core::keep_for_later(byte_view rest) {
    slow_state& s = slow();
    s.kept.append(rest);
    s.recount();
    stand(hold::kept);
}

void connection_core::drop_kept() noexcept {
    if (slow_ == nullptr) return;
    slow_->kept = {};
    slow_->recount();
}

void connection_core::on_turn() noexcept {
    within_memory([this] { consume_kept(); });
}

void connection_core::consume_kept() {
    // What holds reading back holds this back too; it asks for a turn again when it goes.
    if (!holds_.has(hold::kept) || state_ == state::ended || holds_.has(hold::throttled) ||
        holds_.has(hold::paused) || peer_is_behind()) {
        return;
    }
    consume(slow_->kept.content());
    if (state_ == state::ended) drop_kept();
}

/// Whether what comes is told.
bool connection_core::delivers() const noexcept {
    return state_ == state::open || (chosen().deliver_while_closing && state_ != state::ended);
}

void connection_core::dispatch_message(message_kind kind) noexcept {
    if (!delivers()) return;
    metrics().messages_received.add();
    dispatching_ = true;
    if (metrics().messages_received.read() % connection_metrics::timed_one_of != 0) [[likely]] {
        guarded("on_message", [&] { user_->on_message({kind, assembler_.payload()}); });
    } else {
        handle_timed(kind);
    }
    dispatching_ = false;
    if (dispatched_.owner) dispatched_ = {};
}

void connection_core::handle_timed(message_kind kind) noexcept {
    const time_point began = loop().clock();
    guarded("on_message", [&] { user_->on_message({kind, assembler_.payload()}); });
    metrics().message_times.add(loop().clock() - began);
}

/// What is not a message; apart from the loop over messages, which it would make slower (bench
/// `load`, 16 in flight).
[[gnu::noinline]] void connection_core::dispatch_other(message_event event) {
    switch (event) {
        case message_event::ping:
            if (chosen().auto_pong) answer_ping(assembler_.payload());
            if (delivers()) guarded("on_ping", [this] { user_->on_ping(assembler_.payload()); });
            break;
        case message_event::pong:
            if (delivers()) guarded("on_pong", [this] { user_->on_pong(assembler_.payload()); });
            break;
        case message_event::close: dispatch_close(assembler_.close_frame()); break;
        case message_event::failed: fail(assembler_.error()); break;
        default: break;
    }
}

void connection_core::dispatch_close(const close_info& info) {
    close_received_ = true;
    slow_state& s = slow();
    s.peer_code = info.code;
    s.peer_reason.assign(info.reason);
    const bool answered = state_ == state::close_sent;
    if (!answered) {
        // The echo carries the peer's own code (RFC 6455 section 5.5.1).
        const auto echo = close_payload::make(info.code);
        give_up_waiting(make_error_code(weft::errc::closed_by_peer));
        write_close(info.code == close_code::no_status || !echo ? byte_view{} : echo->view());
    }
    if (out_.self() == role::server) {
        finish();
    } else {
        become_ended();
        // The server is the one to close first (section 7.1.1); it gets `close_timeout` for it.
        stream().set_deadline(later(loop().now(), chosen().close_timeout));
        stream().resume_reading();
    }
}

void connection_core::fail(errc why) noexcept {
    fail(why, describe(why).text);
}

void connection_core::fail(errc why, std::string_view told) noexcept {
    const error_row& row = describe(why);
    if (state_ != state::ended && why != errc::handler_failed)  // what it threw is in the log
        tell(row.kind == condition::limit_exceeded ? log_level::warning : log_level::info, told);
    refuse(why, row.close, told);
}

void connection_core::refuse(errc why, close_code code, std::string_view reason) noexcept {
    metrics().errors.count(why);
    if (state_ == state::ended) return;
    if (!cause_) cause_ = why;
    if (metered_ && describe(why).kind == condition::protocol_violation)
        stream().peer().traffic()->note_error(loop().now());
    if (state_ != state::close_sent) {
        note_code(code);
        const auto payload = close_payload::make(code, reason);
        if (slow_ != nullptr) give_up_waiting(why);
        if (payload) write_close(payload->view());
    }
    finish();
}

void connection_core::tell(log_level level, std::string_view what) noexcept {
    loop().tell_refusal(level, "ws", what, [this] {
        return refusal_facts{.peer = stream().peer().address().to_string(),
                             .route = user_->route()};
    });
}

/// Nothing follows. The peer has `close_timeout` to take what is queued, however slowly it reads.
void connection_core::finish() noexcept {
    become_ended();
    stream().set_deadline(later(loop().now(), chosen().close_timeout));
    stream().close();
}

/// Each ping is answered in its place; while the peer does not read, only the latest of them
/// (RFC 6455 section 5.5.3), so that pongs never pile up.
send_status connection_core::answer_ping(byte_view payload) {
    if (state_ == state::close_sent) return send_status::closed;
    if (!stream().stalled()) {
        pong_due_ = false;
        out_.write_control(opcode::pong, payload);
        return send_status::sent;
    }
    slow_state& s = slow();
    std::copy(payload.begin(), payload.end(), s.pong.begin());
    s.pong_size = payload.size();
    pong_due_ = true;
    return send_status::queued;
}

void connection_core::write_pong() noexcept {
    pong_due_ = false;
    out_.write_control(opcode::pong, {slow_->pong.data(), slow_->pong_size});
}

/// Nothing follows a close frame, so the pong that is owed goes before it.
void connection_core::write_close(byte_view payload) noexcept {
    if (pong_due_) write_pong();
    out_.write_control(opcode::close, payload);
}

// ---- When reading stands still ----

/// Reading stands still for as long as there is a reason.
void connection_core::stand(hold reason) noexcept {
    if (reason == hold::paused) stopped_ = true;
    if (holds_.add(reason)) stream().pause_reading();
}

void connection_core::go_on(hold reason) noexcept {
    if (reason == hold::paused) stopped_ = state_ == state::ended;
    if (!holds_.remove(reason) || state_ == state::ended) return;
    peer_was_not_heard();
    stream().resume_reading();
}

/// While we do not read, silence and delay are ours, not the peer's.
void connection_core::peer_was_not_heard() noexcept {
    last_received_ = loop().now();
    if (slow_ != nullptr && assembler_.in_message()) slow_->message_began = last_received_;
}

void connection_core::pause() noexcept {
    if (state_ == state::open) stand(hold::paused);
}

void connection_core::resume() noexcept {
    if (!holds_.has(hold::paused)) return;
    go_on(hold::paused);
    if (holds_.has(hold::kept)) stream().await_turn();
}

void connection_core::throttle(std::size_t messages, std::size_t bytes) noexcept {
    const time_point now = loop().now();
    const auto [due, why] = stream().peer().traffic()->spend(messages, bytes, now);
    if (due > later(now, net::max_debt)) {
        fail(errc::too_fast, why);
    } else if (due > now && !holds_.has(hold::throttled)) {
        metrics().throttled.add();
        stand(hold::throttled);
        arm();
    }
}

/// In the outbox.
std::size_t connection_core::waiting() const noexcept {
    return slow_->outbox ? slow_->outbox->bytes() : 0;
}

bool connection_core::peer_is_behind() const noexcept {
    return state_ == state::open && queued() >= chosen().pause_reading_at;
}

/// Nothing is read from a peer that does not read what we send.
void connection_core::update_behind() noexcept {
    if (state_ == state::ended) return;
    const bool behind = peer_is_behind();
    if (behind != holds_.has(hold::behind)) change_behind(behind);
}

[[gnu::noinline]] void connection_core::change_behind(bool behind) noexcept {
    if (behind) {
        stand(hold::behind);
    } else {
        go_on(hold::behind);
    }
}

// ---- Ending ----

void connection_core::close(close_code code, std::string_view reason) noexcept {
    if (state_ != state::open) return;
    within_memory([&] { start_closing(code, reason); });
}

void connection_core::start_closing(close_code code, std::string_view reason) {
    slow_state& s = slow();
    if (code == close_code::no_status) {
        s.our_close = {};
    } else {
        auto payload = close_payload::make(code, reason);
        if (!payload) payload = close_payload::make(close_code::normal);
        s.our_close = *payload;
    }
    note_code(code);
    s.close_deadline = later(loop().now(), chosen().close_timeout);
    state_ = state::close_wanted;
    // Nothing may follow half a message.
    if (s.in_fragments) give_up_waiting(make_error_code(weft::errc::closed_locally));
    if (!s.outbox) send_close_frame();
    update_behind();
    // The peer's own close frame may be among what waits.
    go_on(hold::throttled);
    go_on(hold::paused);
    if (holds_.has(hold::kept)) stream().await_turn();
    arm();
}

void connection_core::send_close_frame() noexcept {
    state_ = state::close_sent;
    write_close(slow_->our_close.view());
}

void connection_core::terminate() noexcept {
    if (!cause_) cause_ = make_error_code(weft::errc::closed_locally);
    become_ended();
    stream().abort(make_error_code(weft::errc::closed_locally));
}

void connection_core::shed() noexcept {
    fail(errc::shed);
}

void connection_core::on_end(net::byte_stream&) noexcept {
    if (holds_.has(hold::kept) && state_ != state::ended) {
        end_waits_ = true;
    } else {
        finish();
    }
}

void connection_core::on_closed(std::error_code why) noexcept {
    const bool sent_close = slow_ != nullptr && close_received_;
    become_ended();
    close_event event;
    event.clean = sent_close && !cause_;
    if (slow_ != nullptr && close_received_) {
        event.code = slow_->peer_code;
        event.reason = slow_->peer_reason;
    }
    if (cause_) {
        event.cause = cause_;
    } else if (!event.clean) {
        event.cause = why;
    }
    if (opened_) {
        metrics().open.sub();
        (event.clean ? metrics().closed_clean : metrics().closed_abnormal).add();
    }
    shared().connections.remove(*this);
    tell_written(event.cause);
    tell_access(event);
    guarded("on_close", [&] { user_->on_close(event); });
    shared().hub.unsubscribe_all(*this);
}

void connection_core::tell_facts(net::stream_facts& facts) const noexcept {
    facts.kind = "websocket";
    facts.queued = queued();
    if (const net::access_note* const known = note()) {
        facts.path = known->path();
        facts.since = known->since();
    }
}

void connection_core::take_note(std::unique_ptr<net::access_note> about) noexcept {
    about->set_kind(access_kind::websocket);
    about->set_code(static_cast<int>(close_code::abnormal));
    about->set_id(id());
    try {
        shared().notes.add(*about);
        (void)about.release();  // `tell_access` takes it back
    } catch (const std::bad_alloc&) {
        return;  // it goes untold
    }
}

net::access_note* connection_core::note() const noexcept {
    return shared().notes.find(id());
}

/// We end it with this code.
void connection_core::note_code(close_code code) noexcept {
    if (net::access_note* const known = note()) known->set_code(static_cast<int>(code));
}

void connection_core::tell_access(const close_event& event) noexcept {
    const std::unique_ptr<net::access_note> known(note());
    if (known == nullptr) return;
    shared().notes.remove(*known);
    if (close_received_) known->set_code(static_cast<int>(event.code));
    known->tell_all(stream(), event.cause);
}

// ---- Time ----

void connection_core::on_deadline() noexcept {
    const time_point now = loop().now();
    next_event_ = time_point::max();
    if (state_ == state::ended) {
        stream().abort(make_error_code(weft::errc::timed_out));
        return;
    }
    if (slow_ != nullptr && slow_->close_deadline <= now) {
        cause_ = make_error_code(weft::errc::timed_out);
        tell(log_level::info, "a peer did not answer our close frame within close_timeout");
        stream().abort(cause_);
        return;
    }
    if (holds_.any()) peer_was_not_heard();
    if (message_due() <= now) return fail(errc::message_too_slow);
    const identity* const known = stream().peer().who();
    if (state_ == state::open && known != nullptr && known->expires <= now)
        return fail(errc::identity_expired, ending_of(*known));
    if (holds_.has(hold::throttled) && stream().peer().traffic()->due() <= now) {
        update_behind();
        go_on(hold::throttled);
        if (holds_.has(hold::kept)) stream().await_turn();
    }
    if (state_ == state::open) {
        const duration silent = now - last_received_;
        const bool too_long = silent >= chosen().idle_timeout;
        if (too_long && !takes_what_we_send()) {
            metrics().idle_timeouts.add();
            tell(log_level::info, "a peer gave no sign of life within idle_timeout");
            cause_ = make_error_code(weft::errc::timed_out);
            stream().abort(cause_);
            return;
        }
        if (silent >= chosen().ping_interval && !ping_pending_) within_memory([this] { ask(); });
        if (too_long) last_received_ = now;
    }
    arm();
}

/// For a sign of life.
void connection_core::ask() {
    ping_pending_ = true;
    const net::byte_stream::progress now = stream().delivered();
    if (slow_ != nullptr && !pong_due_ && slow_->spent()) slow_.reset();
    if (slow_ != nullptr || now.behind > 0) slow().delivery.begin(now);
    metrics().pings_sent.add();
    assembler_.expect_pong();
    out_.write_control(opcode::ping, {});
    // Who has been silent for so long may be silent for hours.
    assembler_.release();
    out_.release();
}

/// Bytes that arrive there are a sign of life like those that come from there, as long as the ping
/// is behind them.
bool connection_core::takes_what_we_send() noexcept {
    if (!ping_pending_) return stream().delivered().behind > 0;
    return slow_ != nullptr && slow_->delivery.comes_on(stream());
}

void connection_core::arm() noexcept {
    time_point next = time_point::max();
    if (state_ == state::open) {
        const duration wait = ping_pending_
                                  ? chosen().idle_timeout
                                  : std::min(chosen().ping_interval, chosen().idle_timeout);
        next = later(last_received_, wait);
        if (const identity* const known = stream().peer().who())
            next = std::min(next, known->expires);
    }
    if (holds_.has(hold::throttled)) next = std::min(next, stream().peer().traffic()->due());
    if (slow_ != nullptr) next = std::min({next, slow_->close_deadline, message_due()});
    if (next >= next_event_ || next == time_point::max()) return;
    next_event_ = next;
    stream().set_deadline(next);
}

}  // namespace weft::ws
