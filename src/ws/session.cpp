// A WebSocket in either role. Receiving: bytes go through the assembler, whole messages to the
// user, violations to `fail`, which answers with the close code of the error's row. Sending: while
// the peer keeps up, frames go straight to the stream; once the stream is behind, whole messages
// wait in an outbox under the endpoint's policy, so that what is dropped is always a message and
// never part of one. All deadlines share the stream's one timer: a refresh stores a time, and
// `on_deadline` finds out what is really due.

#include "ws/session.hpp"

#include <algorithm>
#include <cstring>
#include <exception>
#include <utility>

#include "pubsub/outbox.hpp"

namespace weft::ws {
namespace {

constexpr std::size_t small_frame = 1024;  // header and payload are joined
constexpr std::size_t by_reference_at = 16 * 1024;
constexpr std::size_t idle_blocks = 8 * 1024 * 1024;  // kept per loop for the next large messages
constexpr duration most_debt =
    std::chrono::seconds(10);  // above the receive rate for so long: closed
constexpr duration rate_burst = std::chrono::seconds(2);
constexpr std::size_t padding = 64;

opcode opcode_of(message_kind kind) noexcept {
    return kind == message_kind::text ? opcode::text : opcode::binary;
}

std::size_t put_header_before(byte_span headroom, frame_flags flags, std::size_t size) noexcept {
    const frame_header_bytes header = encode_header(flags, size);
    std::memcpy(headroom.data() + headroom.size() - header.size, header.bytes.data(), header.size);
    return header.size;
}

/// A compressed frame of its own buffer: what all recipients of a broadcast share.
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

const char session::tag = 0;

/// Made when something first does not go straight through, gone with the connection.
struct session::slow_state {
    std::optional<pubsub::outbox> outbox;
    std::vector<std::byte> kept;  // received bytes whose turn comes in a later iteration
    std::array<std::byte, max_control_payload> pong{};
    std::size_t pong_size = 0;
    close_payload our_close;
    close_code peer_code = close_code::abnormal;
    std::string peer_reason;
    time_point close_deadline = time_point::max();
    time_point message_began = time_point::max();
};

session_settings::session_settings(const options& wanted) : chosen(wanted) {
    limits.max_message = wanted.max_message;
    limits.max_fragments = wanted.max_fragments;
    const deflate_options deflate = wanted.deflate.value_or(deflate_options{});
    deflate_threshold =
        deflate.threshold.value_or(deflate.context_takeover ? default_threshold_with_history
                                                            : default_threshold_without_history);
    shared_threshold = deflate.threshold.value_or(default_threshold_without_history);
}

session_shared::session_shared(net::loop_core& owner, pubsub::exchange& all,
                               std::uint64_t message_budget)
    : loop(owner),
      hub(owner, all),
      budget(message_budget),
      blocks(block_cache::make(idle_blocks)),
      inflate_memory(std::make_unique_for_overwrite<std::byte[]>(64 * 1024 + padding)),
      assembling{budget, {inflate_memory.get(), 64 * 1024}, blocks.get(), &owner.budget()} {
    if (auto digest = sha1_digest::make()) sha1.emplace(std::move(*digest));
}

void session_metrics::visit(metric_visitor to) const {
    const auto count = [&](std::string_view name, std::string_view help, const counter& c,
                           metric_kind kind = metric_kind::counter) {
        to({name, {}, help, kind, c.read()});
    };
    count("weft_ws_connections", "Open WebSockets.", open, metric_kind::gauge);
    count("weft_ws_opened_total", "WebSockets opened.", opened);
    count("weft_ws_refused_total", "Upgrade requests refused.", refused);
    count("weft_ws_closed_clean_total", "WebSockets ended by a complete closing handshake.",
          closed_clean);
    count("weft_ws_closed_abnormal_total", "WebSockets ended without one.", closed_abnormal);
    count("weft_ws_messages_received_total", "Messages received.", messages_received);
    count("weft_ws_messages_sent_total", "Messages sent.", messages_sent);
    count("weft_ws_pings_sent_total", "Pings sent to silent peers.", pings_sent);
    count("weft_ws_idle_timeouts_total", "Peers given up after idle_timeout of silence.",
          idle_timeouts);
    count("weft_ws_throttled_total", "Times that reading paused because a peer sent too fast.",
          throttled);
    count("weft_ws_handler_exceptions_total", "Exceptions caught from handlers.",
          handler_exceptions);
    errors.visit(to);
}

session::session(net::byte_stream& stream, role self, const session_settings& settings,
                 session_shared& shared, std::optional<deflate_agreement> deflate)
    : stream_(stream),
      shared_(shared),
      settings_(settings),
      assembler_(
          self, settings.limits, shared.assembling,
          deflate ? std::optional(inflate_settings{
                        deflate->window_bits(self == role::server ? role::client : role::server),
                        !deflate->no_takeover(self == role::server ? role::client : role::server)})
                  : std::nullopt),
      last_received_(shared.loop.now()),
      next_event_(time_point::max()),
      rate_due_messages_(shared.loop.now() - rate_burst),
      rate_due_bytes_(rate_due_messages_),
      deflate_(deflate),
      role_(self) {}

session::~session() = default;

session* session::of(net::byte_stream& stream) noexcept {
    net::stream_handler& handler = stream.handler();
    return handler.protocol() == &tag ? static_cast<session*>(&handler) : nullptr;
}

session::slow_state& session::slow() {
    if (slow_ == nullptr) slow_ = std::make_unique<slow_state>();
    return *slow_;
}

void session::report_exception(session_shared& shared, const std::exception_ptr& thrown) noexcept {
    shared.metrics.handler_exceptions.add();
    try {
        std::rethrow_exception(thrown);
    } catch (const std::exception& known) {
        shared.loop.log(log_level::error, "ws", known.what());
    } catch (...) {
        shared.loop.log(log_level::error, "ws",
                        "a handler threw something that is not a std::exception");
    }
}

/// The one boundary to the user's code: nothing that it throws goes further.
template <class F>
void session::guarded(F&& call) noexcept {
    try {
        call();
    } catch (...) {
        report_exception(shared_, std::current_exception());
        if (state_ == state::open) fail(errc::handler_failed);
    }
}

// ---- Receiving ----

void session::on_open() noexcept {
    opened_ = true;
    shared_.metrics.opened.add();
    shared_.metrics.open.add();
    arm();
    guarded([this] { user_->on_open(); });
}

byte_span session::read_target() noexcept {
    return assembler_.read_target();
}

/// Out of memory is the end of this connection, not of the process.
template <class F>
auto session::within_memory(F&& call) noexcept -> decltype(call()) {
    try {
        return call();
    } catch (...) {
        cause_ = std::make_error_code(std::errc::not_enough_memory);
        state_ = state::ended;
        stream_.abort(cause_);
        if constexpr (!std::is_void_v<decltype(call())>) return send_status::closed;
    }
}

void session::on_data(byte_span data) noexcept {
    last_received_ = shared_.loop.now();
    if (ping_pending_) {
        ping_pending_ = false;
        arm();  // the next ping is due before the end that was waited for
    }
    within_memory([&] {
        if (turn_waits_) {
            slow_->kept.insert(slow_->kept.end(), data.begin(), data.end());
        } else {
            consume(data);
        }
    });
}

void session::consume(byte_span data) {
    std::size_t allowance = inflate_allowance;
    std::size_t messages = 0;
    const std::size_t bytes = data.size();
    bool yielded = false;
    while (state_ != state::ended && !yielded) {
        const message_event event = assembler_.next(data, shared_.loop.now(), allowance);
        if (event == message_event::need_more) break;
        if (event == message_event::text || event == message_event::binary) {
            ++messages;
            dispatch_message(event == message_event::text ? message_kind::text
                                                          : message_kind::binary);
        } else if (event == message_event::yielded) {
            yielded = true;
        } else {
            dispatch_other(event);
        }
    }
    if (state_ == state::ended) return;
    if (pong_due_ && !stream_.stalled()) write_pong();
    if (assembler_.in_message()) {
        if (slow().message_began == time_point::max()) {
            slow_->message_began = shared_.loop.now();
            arm();
        } else if (messages > 0) {
            slow_->message_began = shared_.loop.now();
        }
    } else if (slow_ != nullptr) {
        slow_->message_began = time_point::max();
    }
    if (yielded) keep_for_later(data);
    if (settings_.chosen.rate && state_ == state::open) throttle(messages, bytes - data.size());
    if (end_waits_ && !turn_waits_) {
        finish();
    } else {
        update_reading();
    }
}

/// Inflating may go on for long: the rest of these bytes comes again in the next iteration.
void session::keep_for_later(byte_view rest) {
    slow_state& s = slow();
    s.kept.assign(rest.begin(), rest.end());
    turn_waits_ = true;
    stream_.pause_reading();
    post_turn();
}

void session::post_turn() {
    shared_.loop.post([&loop = shared_.loop, id = stream_.id()] {
        net::byte_stream* stream = loop.find(id);
        session* self = stream != nullptr ? of(*stream) : nullptr;
        if (self != nullptr) self->within_memory([self] { self->consume_kept(); });
    });
}

void session::consume_kept() {
    // What holds reading back holds this back too; it posts again when it goes.
    if (!turn_waits_ || state_ == state::ended || throttled_ || peer_is_behind()) return;
    turn_waits_ = false;
    std::vector<std::byte> bytes = std::exchange(slow_->kept, {});
    stalled_ = true;  // reading is paused: consume() resumes it when nothing is kept again
    const std::size_t size = bytes.size();
    bytes.resize(size + padding);  // vector code may read behind the payload
    consume({bytes.data(), size});
}

void session::dispatch_message(message_kind kind) noexcept {
    if (state_ != state::open) return;
    shared_.metrics.messages_received.add();
    dispatching_ = true;
    guarded([&] { user_->on_message({kind, assembler_.payload()}); });
    dispatching_ = false;
    if (dispatched_.owner) dispatched_ = {};
}

/// What is not a message; apart from the loop over messages, which it would make slower (bench
/// `load`, 16 in flight).
[[gnu::noinline]] void session::dispatch_other(message_event event) {
    switch (event) {
        case message_event::ping: answer_ping(); break;
        case message_event::pong:
            if (state_ == state::open) guarded([this] { user_->on_pong(assembler_.payload()); });
            break;
        case message_event::close: dispatch_close(assembler_.close_frame()); break;
        case message_event::failed: fail(assembler_.error()); break;
        default: break;
    }
}

void session::dispatch_close(const close_info& info) {
    close_received_ = true;
    slow_state& s = slow();
    s.peer_code = info.code;
    s.peer_reason.assign(info.reason);
    const bool answered = state_ == state::close_sent;
    if (!answered) {
        // The echo carries the peer's own code (RFC 6455 section 5.5.1).
        const auto echo = close_payload::make(info.code);
        s.outbox.reset();
        write_frame(opcode::close,
                    info.code == close_code::no_status || !echo ? byte_view{} : echo->view());
    }
    if (role_ == role::server) {
        finish();
    } else {
        state_ = state::ended;
        // The server is the one to close first (section 7.1.1); it gets `close_timeout` for it.
        stream_.set_deadline(shared_.loop.now() + settings_.chosen.close_timeout);
        stream_.resume_reading();
    }
}

void session::fail(errc why) noexcept {
    shared_.metrics.errors.count(why);
    if (state_ == state::ended) return;
    if (!cause_) cause_ = why;
    const error_row& row = describe(why);
    if (state_ != state::close_sent) {
        const auto payload = close_payload::make(row.close, row.text);
        if (slow_ != nullptr) slow_->outbox.reset();
        if (payload) write_frame(opcode::close, payload->view());
    }
    finish();
}

/// Nothing follows. The peer has `close_timeout` to take what is queued, however slowly it reads.
void session::finish() noexcept {
    state_ = state::ended;
    stream_.set_deadline(shared_.loop.now() + settings_.chosen.close_timeout);
    stream_.close();
}

void session::answer_ping() {
    if (state_ == state::close_sent) return;
    slow_state& s = slow();
    const byte_view payload = assembler_.payload();
    std::copy(payload.begin(), payload.end(), s.pong.begin());
    s.pong_size = payload.size();
    pong_due_ = true;  // only the latest is ever answered (section 5.5.3)
}

void session::write_pong() noexcept {
    pong_due_ = false;
    write_frame(opcode::pong, {slow_->pong.data(), slow_->pong_size});
}

void session::throttle(std::size_t messages, std::size_t bytes) noexcept {
    const receive_rate& rate = *settings_.chosen.rate;
    const time_point now = shared_.loop.now();
    const auto spend = [&](time_point& due, std::uint64_t amount, std::uint64_t per_second) {
        due = std::max(due, now - rate_burst);
        due += std::chrono::nanoseconds(static_cast<std::int64_t>(
            std::min<std::uint64_t>(amount, per_second * 60) * 1'000'000'000 / per_second));
    };
    spend(rate_due_messages_, messages, std::max(1U, rate.messages_per_second));
    spend(rate_due_bytes_, bytes, std::max<std::uint64_t>(1, rate.bytes_per_second));
    const time_point due = std::max(rate_due_messages_, rate_due_bytes_);
    if (due - now > most_debt) {
        fail(errc::too_fast);
    } else if (due > now && !throttled_) {
        throttled_ = true;
        shared_.metrics.throttled.add();
        stream_.pause_reading();
        arm();
    }
}

bool session::peer_is_behind() const noexcept {
    return state_ == state::open && queued() >= settings_.chosen.pause_reading_at;
}

/// Reading stands still while the peer does not read what we send, or sends too fast.
void session::update_reading() noexcept {
    if (state_ == state::ended || throttled_) return;
    if (turn_waits_) {
        stalled_ = true;
        return;
    }
    const bool stall = peer_is_behind();
    if (stall == stalled_) return;
    stalled_ = stall;
    if (stall) {
        stream_.pause_reading();
    } else {
        last_received_ = shared_.loop.now();
        stream_.resume_reading();
    }
}

// ---- Sending ----

std::size_t session::queued() const noexcept {
    return stream_.queued() + (slow_ != nullptr && slow_->outbox ? slow_->outbox->bytes() : 0);
}

std::size_t session::wire_size(std::size_t payload) const noexcept {
    return payload + max_frame_header;
}

send_status session::send(const message_view& what) noexcept {
    if (!shared_.loop.in_loop_thread()) return send_status::misuse;
    if (state_ != state::open) return send_status::closed;
    if (send_small(what.kind(), what.bytes())) return send_status::sent;
    return send_any(what);
}

/// Whether so many bytes must wait for the peer, or be refused. What can be replaced while it waits
/// waits as soon as the kernel takes no more.
bool session::must_wait(std::size_t wire, bool latest) const noexcept {
    const std::size_t ahead = stream_.queued();
    const std::size_t limit = settings_.chosen.max_queue;
    return (slow_ != nullptr && slow_->outbox) || ahead >= net::byte_stream::high_water ||
           (latest && stream_.stalled()) || wire > limit - std::min(limit, ahead);
}

send_status session::send_any(const message_view& what) noexcept {
    return within_memory([&] {
        if (!must_wait(wire_size(what.size()), false)) return send_now(what.kind(), what.bytes());
        const message kept(what);
        return kept ? queue({&kept, 1}, wire_size(what.size())) : send_status::dropped;
    });
}

send_status session::send(const message& what) noexcept {
    if (!shared_.loop.in_loop_thread()) return send_status::misuse;
    return deliver(what);
}

send_status session::send(std::span<const message> group) noexcept {
    if (!shared_.loop.in_loop_thread()) return send_status::misuse;
    return deliver_group(group);
}

send_status session::deliver(const message& what) noexcept {
    return deliver_group({&what, 1});
}

send_status session::deliver_group(std::span<const message> group) noexcept {
    if (state_ != state::open) return send_status::closed;
    std::size_t wire = 0;
    for (const message& what : group) {
        if (!what) return send_status::dropped;  // there was no memory to make it
        wire += wire_size(what.size());
    }
    return within_memory([&] {
        if (must_wait(wire, group.front().latest())) return queue(group, wire);
        for (const message& what : group) write_message(what);
        return send_status::sent;
    });
}

send_status session::queue(std::span<const message> group, std::size_t wire) {
    slow_state& s = slow();
    if (!s.outbox) {
        s.outbox.emplace(settings_.chosen.max_queue, shared_.hub.metrics(), shared_.loop.budget());
    }
    const send_status status =
        s.outbox->push(group, wire, stream_.queued(), settings_.chosen.overflow);
    if (s.outbox->empty()) s.outbox.reset();
    if (status == send_status::closed) {
        // The peer does not read, so nothing that waits will arrive; the close frame tells why if
        // it ever reads on.
        fail(errc::slow_consumer);
    }
    return status;
}

/// A server's small, plain message, built where it leaves from, while the peer keeps up:
/// `max_queue` is never below what the stream takes then. False when it must go the general way.
bool session::send_small(message_kind kind, byte_view payload) noexcept {
    if (role_ == role::client || payload.size() > small_frame ||
        (deflate_ && payload.size() >= settings_.deflate_threshold) ||
        (slow_ != nullptr && slow_->outbox)) {
        return false;
    }
    std::byte* const frame = stream_.room(max_frame_header + payload.size());
    if (frame == nullptr) return false;
    const std::size_t header =
        write_header({opcode_of(kind)}, payload.size(),
                     std::span<std::byte, max_frame_header>(frame, max_frame_header));
    if (!payload.empty()) std::memcpy(frame + header, payload.data(), payload.size());
    stream_.commit(header + payload.size());
    shared_.metrics.messages_sent.add();
    return true;
}

send_status session::send_now(message_kind kind, byte_view payload) {
    shared_.metrics.messages_sent.add();
    if (deflate_ && payload.size() >= settings_.deflate_threshold) {
        const bool alone = deflate_->no_takeover(role_);
        const int bits = deflate_->window_bits(role_);
        std::optional<buffer_slice> compressed;
        if (bits < 9) {
            // zlib cannot make such a window: what is not compressed is always allowed
        } else if (alone) {
            compressed = shared_.deflaters.compress_once(payload, bits);
        } else {
            if (deflater_ == nullptr) {
                const deflate_options chosen = settings_.chosen.deflate.value_or(deflate_options{});
                deflater_ = std::make_unique<deflater>(deflate_settings{bits, 5, chosen.level},
                                                       &shared_.loop.budget());
            }
            compressed = deflater_->compress(payload);
        }
        if (compressed && compressed->bytes.size() < payload.size()) {
            write_data(kind, compressed->bytes, true);
            return send_status::sent;
        }
        if (deflater_ != nullptr) deflater_->forget_history();
    }
    write_data(kind, payload, false);
    return send_status::sent;
}

void session::write_data(message_kind kind, byte_view payload, bool compressed) noexcept {
    const frame_flags flags{opcode_of(kind), true, compressed};
    if (role_ == role::client) {
        write_masked(flags, payload);
        return;
    }
    stream_.write(encode_header(flags, payload.size()).view());
    const byte_view received = assembler_.payload();
    if (dispatching_ && payload.size() >= by_reference_at && payload.data() >= received.data() &&
        payload.data() + payload.size() <= received.data() + received.size()) {
        // The message being handled is sent on: its own buffer goes into the queue, nothing is
        // copied.
        if (!dispatched_.owner && assembler_.owns_payload())
            dispatched_ = assembler_.take_payload();
        if (dispatched_.owner && dispatched_.bytes.data() == received.data()) {
            stream_.write(buffer_slice{dispatched_.owner, payload});
            return;
        }
    }
    stream_.write(payload);
}

/// A client's frame: the payload is copied, because masking changes it (RFC 6455 section 5.3).
void session::write_masked(frame_flags flags, byte_view payload) noexcept {
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

void session::write_message(const message& what) {
    if (role_ == role::client) {
        send_now(what.kind(), what.bytes());
        return;
    }
    shared_.metrics.messages_sent.add();
    stream_.write(encode_shared(what));
}

/// The frame that every recipient with the same window shares. A connection with a history of its
/// own gets it too: a sender may forget its history at any time (RFC 7692 section 7.2.1 needs no
/// agreement for that).
buffer_slice session::encode_shared(const message& what) {
    if (deflate_ && !what.uncompressed() && what.size() >= settings_.shared_threshold &&
        deflate_->window_bits(role_) >= 9) {
        const int bits = deflate_->window_bits(role_);
        buffer_slice compressed =
            what.encoded(message_encoding::deflated_frame(bits), [&](const message& m) {
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

void session::write_frame(opcode op, byte_view payload) noexcept {
    if (role_ == role::client) {
        write_masked({op}, payload);
        return;
    }
    const frame_header_bytes header = encode_header({op}, payload.size());
    std::array<std::byte, max_frame_header + max_control_payload> frame;
    std::memcpy(frame.data(), header.bytes.data(), header.size);
    if (!payload.empty()) std::memcpy(frame.data() + header.size, payload.data(), payload.size());
    stream_.write(byte_view(frame.data(), header.size + payload.size()));
}

void session::ping(byte_view payload) noexcept {
    // A peer that does not read has enough to answer already.
    if (state_ != state::open || stream_.queued() >= net::byte_stream::high_water) return;
    write_frame(opcode::ping, payload.first(std::min(payload.size(), max_control_payload)));
}

/// The stream has room again: what waited goes on, under the same order.
void session::pump() {
    if (slow_ == nullptr || !slow_->outbox) return;
    while (!slow_->outbox->empty() && stream_.queued() < net::byte_stream::high_water) {
        slow_->outbox->take([this](std::span<const message> group) {
            for (const message& next : group) write_message(next);
        });
    }
    if (slow_->outbox->empty()) slow_->outbox.reset();
}

void session::on_drained() noexcept {
    within_memory([this] { drained(); });
}

void session::drained() {
    if (state_ == state::ended) return;
    pump();
    if (pong_due_) write_pong();
    if (slow_ != nullptr && slow_->outbox) return;
    if (state_ == state::close_wanted) send_close_frame();
    update_reading();
    if (state_ == state::open) guarded([this] { user_->on_drained(); });
    if (turn_waits_) post_turn();
}

// ---- Ending ----

void session::close(close_code code, std::string_view reason) noexcept {
    if (state_ != state::open) return;
    within_memory([&] { start_closing(code, reason); });
}

void session::start_closing(close_code code, std::string_view reason) {
    slow_state& s = slow();
    auto payload = close_payload::make(code, reason);
    if (!payload) payload = close_payload::make(close_code::normal);
    s.our_close = *payload;
    s.close_deadline = shared_.loop.now() + settings_.chosen.close_timeout;
    state_ = state::close_wanted;
    if (!s.outbox) send_close_frame();
    if (throttled_) {
        throttled_ = false;
        stalled_ = true;
    }
    update_reading();
    if (turn_waits_) post_turn();  // the peer's own close frame may be among what waits
    arm();
}

void session::send_close_frame() noexcept {
    pong_due_ = false;  // nothing follows a close frame
    state_ = state::close_sent;
    write_frame(opcode::close, slow_->our_close.view());
}

void session::terminate() noexcept {
    if (!cause_) cause_ = make_error_code(weft::errc::closed_locally);
    state_ = state::ended;
    stream_.abort(make_error_code(weft::errc::closed_locally));
}

void session::shed() noexcept {
    fail(errc::shed);
}

void session::on_end(net::byte_stream&) noexcept {
    if (turn_waits_ && state_ != state::ended) {
        end_waits_ = true;
    } else {
        finish();
    }
}

void session::on_closed(std::error_code why) noexcept {
    const bool sent_close = slow_ != nullptr && close_received_;
    state_ = state::ended;
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
        shared_.metrics.open.sub();
        (event.clean ? shared_.metrics.closed_clean : shared_.metrics.closed_abnormal).add();
    }
    guarded([&] { user_->on_close(event); });
    shared_.hub.unsubscribe_all(*this);
}

// ---- Time ----

void session::on_deadline() noexcept {
    const time_point now = shared_.loop.now();
    next_event_ = time_point::max();
    if (state_ == state::ended) {
        stream_.abort(make_error_code(weft::errc::timed_out));
        return;
    }
    if (slow_ != nullptr && slow_->close_deadline <= now) {
        cause_ = make_error_code(weft::errc::timed_out);
        stream_.abort(cause_);
        return;
    }
    // While we do not read, silence and delay are ours, not the peer's.
    if (throttled_ || stalled_) {
        last_received_ = now;
        if (assembler_.in_message() && slow_ != nullptr) slow_->message_began = now;
    }
    if (slow_ != nullptr && slow_->message_began != time_point::max() &&
        now - slow_->message_began >= settings_.chosen.max_message_age) {
        fail(errc::message_too_slow);
        return;
    }
    if (throttled_ && std::max(rate_due_messages_, rate_due_bytes_) <= now) {
        throttled_ = false;
        stalled_ = true;
        update_reading();
        if (turn_waits_) within_memory([this] { post_turn(); });
    }
    if (state_ == state::open) {
        const duration silent = now - last_received_;
        if (silent >= settings_.chosen.idle_timeout) {
            shared_.metrics.idle_timeouts.add();
            cause_ = make_error_code(weft::errc::timed_out);
            stream_.abort(cause_);
            return;
        }
        if (silent >= settings_.chosen.ping_interval && !ping_pending_) {
            ping_pending_ = true;
            shared_.metrics.pings_sent.add();
            write_frame(opcode::ping, {});
            // Who has been silent for so long may be silent for hours.
            assembler_.release();
            if (deflater_ != nullptr) deflater_->release();
        }
    }
    arm();
}

void session::arm() noexcept {
    time_point next = time_point::max();
    if (state_ == state::open) {
        const duration wait =
            ping_pending_ ? settings_.chosen.idle_timeout
                          : std::min(settings_.chosen.ping_interval, settings_.chosen.idle_timeout);
        next = last_received_ + wait;
    }
    if (throttled_) next = std::min(next, std::max(rate_due_messages_, rate_due_bytes_));
    if (slow_ != nullptr) {
        next = std::min(next, slow_->close_deadline);
        if (slow_->message_began != time_point::max()) {
            next = std::min(next, slow_->message_began + settings_.chosen.max_message_age);
        }
    }
    if (next >= next_event_ || next == time_point::max()) return;
    next_event_ = next;
    stream_.set_deadline(next);
}

}  // namespace weft::ws
