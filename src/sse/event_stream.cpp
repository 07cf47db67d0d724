// One event stream. While the peer keeps up, events are written as they come, by reference; once it
// is behind, whole events wait in an outbox under the endpoint's policy. Nothing that the hub or
// the user calls frees a stream: it is freed when its connection ends, or by its timer a tick
// later.

#include "sse/event_stream.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include <weft/sse/message.hpp>

#include "sse/encoding.hpp"

namespace weft::sse {

event_stream::event_stream(std::uint32_t slot, std::uint32_t generation, endpoint::shard& owner,
                           conn_id id) noexcept
    : shard_(owner),
      slot_(slot),
      generation_(generation),
      id_(id),
      face_(*this),
      heartbeat_(*this) {
    shard_.loop.budget().charge(net::slab<event_stream>::slot_size());
}

event_stream::~event_stream() {
    shard_.loop.budget().release(net::slab<event_stream>::slot_size());
}

void event_stream::open(http::body_stream out, const http::request& asked) {
    out_ = std::move(out);
    const identity* const known = asked.peer().who();
    expires_ = known != nullptr ? known->expires : time_point::max();
    out_.on_gone([this] { shard_.end(*this); });
    out_.on_drained([this] { within_memory([this] { pump(); }); });
    arm();
    if (!shard_.owner.open_) return;
    const bool returned =
        shard_.boundary.call([&] { shard_.owner.open_(face_, asked); },
                             [&] {
                                 return user_place{.callback = "on_open",
                                                   .route = asked.path(),
                                                   .peer = asked.peer().address().to_string()};
                             });
    if (!returned) cut();
}

template <class F>
void event_stream::within_memory(F&& work) noexcept {
    try {
        work();
    } catch (const std::bad_alloc&) {
        cut();
    }
}

// ---- Events ----

send_status event_stream::deliver(const message& what) noexcept {
    if (!open_) return send_status::closed;
    if (what.kind() != message_kind::text) return send_status::dropped;
    const buffer_slice bytes = encode(what);
    if (!bytes.owner) return send_status::dropped;
    auto status = send_status::closed;
    within_memory([&] { status = behind_ ? queue(what, bytes.bytes.size()) : write(bytes); });
    return status;
}

send_status event_stream::send(const event& what) noexcept {
    const message made = make_message(what);
    return made ? deliver(made) : send_status::dropped;
}

send_status event_stream::write(const buffer_slice& bytes) {
    switch (out_.write(bytes)) {
        case http::write_status::full: behind_ = true; [[fallthrough]];
        case http::write_status::ready: break;
        case http::write_status::dropped: cut(); return send_status::closed;
        case http::write_status::closed: return send_status::closed;
        case http::write_status::misuse: return send_status::misuse;
    }
    shard_.events.add();
    arm();
    return send_status::sent;
}

send_status event_stream::queue(const message& what, std::size_t size) {
    const options& o = shard_.owner.options_;
    if (waiting_ == nullptr) {
        waiting_ = std::make_unique<pubsub::outbox>(o.max_queue, shard_.hub.metrics(),
                                                    shard_.loop.budget());
    }
    const send_status status = waiting_->push(what, size, 0, o.overflow);
    if (status != send_status::closed) return status;
    shard_.slow.add();
    shard_.loop.tell_refusal(log_level::warning, "sse",
                             "more than max_queue waits for the peer to read", [this] {
                                 refusal_facts facts{.route = shard_.owner.route_};
                                 if (const net::byte_stream* const carrier = shard_.loop.find(id_))
                                     facts.peer = carrier->peer().address().to_string();
                                 return facts;
                             });
    cut();
    return status;
}

/// The peer has taken everything.
void event_stream::pump() {
    behind_ = false;
    while (open_ && !behind_ && waiting_ != nullptr && !waiting_->empty()) write_waiting();
    if (waiting_ != nullptr && waiting_->empty()) waiting_.reset();
}

void event_stream::write_waiting() {
    waiting_->take([this](std::span<const message> group) {
        for (const message& next : group) (void)write(encode(next));
    });
}

void event_stream::arm() noexcept {
    const time_point next = later(shard_.loop.now(), shard_.owner.options_.heartbeat);
    shard_.loop.arm(heartbeat_, std::min(next, expires_));
}

void event_stream::beat() noexcept {
    if (!open_) return shard_.end(*this);
    if (expires_ <= shard_.loop.now()) return close();
    arm();
    if (behind_) return;  // the stream's own limits see to it
    shard_.heartbeats.add();
    (void)out_.write(":\n\n");
}

bool event_stream::subscribe(std::string_view topic) {
    return open_ && shard_.hub.subscribe(*this, pubsub::program_topic(topic));
}

bool event_stream::unsubscribe(std::string_view topic) {
    return open_ && shard_.hub.unsubscribe(*this, pubsub::program_topic(topic));
}

// ---- The end ----

void event_stream::close() noexcept {
    if (!std::exchange(open_, false)) return;
    out_.finish();
    end_later();
}

bool event_stream::leave() noexcept {
    if (!open_) return false;
    within_memory([this] {
        while (open_ && waiting_ != nullptr && !waiting_->empty()) write_waiting();
        const auto comeback = shard_.loop.comeback();
        if (open_ && comeback) (void)send({.retry = *comeback});
        close();
    });
    return true;
}

/// What waits is lost; the peer sees that the stream is not whole, and comes again.
void event_stream::cut() noexcept {
    if (!std::exchange(open_, false)) return;
    out_ = {};
    end_later();
}

/// By the timer, which needs no memory.
void event_stream::end_later() noexcept {
    shard_.loop.arm(heartbeat_, shard_.loop.now());
}

// ---- What handlers see ----

conn_id stream::id() const noexcept {
    return owner_.id();
}
bool stream::subscribe(std::string_view topic) {
    return owner_.subscribe(topic);
}
bool stream::unsubscribe(std::string_view topic) {
    return owner_.unsubscribe(topic);
}
send_status stream::send(const event& what) {
    return owner_.send(what);
}
send_status stream::send(const message& what) {
    return owner_.deliver(what);
}
void stream::close() {
    owner_.close();
}

}  // namespace weft::sse
