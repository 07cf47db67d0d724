// Long-polling. At most one GET hangs per session; what is sent is gathered for it and leaves in
// one reply at the end of the loop's turn. A POST is parsed packet by packet, each handed over
// before the next is looked at, and answered when all of them were processed, even if one of them
// ended the session.

#include "engineio/polling.hpp"

#include <cstdint>
#include <new>
#include <span>
#include <utility>

#include <weft/base/base64.hpp>

#include "base/heap_cost.hpp"
#include "engineio/shard.hpp"
#include "net/traffic_meter.hpp"
#include "net/work.hpp"

namespace weft::engineio {

buffer_slice base64_of(const message& packet) {
    return packet.encoded(message_encoding::base64(), [](const message& m) -> buffer_slice {
        const std::size_t size = base64_size(m.size());
        buffer_ref block = shared_buffer::allocate(size);
        if (!block) return {};
        base64_encode(m.bytes(), std::span(reinterpret_cast<char*>(block->data()), size));
        const byte_view bytes(block->data(), size);
        return {std::move(block), bytes};
    });
}

/// A POST whose packets are handed over a share of work at a time.
struct polling::post {
    post(reply_form form, http::responder to, payload_reader body, std::size_t size,
         byte_budget& memory) noexcept
        : how(std::move(form)), answer(std::move(to)), reader(body), bytes(size), charge(memory) {}

    reply_form how;
    http::responder answer;
    payload_reader reader;
    std::size_t bytes;
    std::size_t packets = 0;
    conn_id connection;
    std::string kept;  // what the reader reads, from the first wait on
    byte_charge charge;
};

polling::polling(session& owner) noexcept
    : byte_holder(owner.loop().budget()), session_(owner), heard_(owner.loop().now()) {
    owner.loop().budget().charge(heap_cost_of<polling>);
}

polling::~polling() {
    session_.loop().budget().release(heap_cost_of<polling>);
}

payload_form polling::form() const noexcept {
    if (session_.protocol() == 4) return payload_form::separated;
    const bool in_bytes = has_binary_ && !session_.wants_base64() && !how_.jsonp;
    return in_bytes ? payload_form::counted_bytes : payload_form::counted;
}

// ---- From the client ----

void polling::poll(reply_form form, http::responder answer, conn_id connection) {
    if (answer_) {
        (void)answer.send(make_plain(form, describe(errc::overlapping_poll).status, {}, {}));
        session_.end(errc::overlapping_poll);
        return;
    }
    session_.came_back();
    heard_ = session_.loop().now();
    answer_ = std::move(answer);
    how_ = std::move(form);
    connection_ = connection;
    // What waits may have a ping in it, behind what takes this client long.
    if (waits() && waiting_->bytes() > net::byte_stream::high_water) watch_delivery();
    answer_.on_gone([&home = session_.owner(), name = session_.name()] {
        if (session* left = home.find(name)) left->end(close_reason::transport_error);
    });
    flush();
}

void polling::post_goes_on(conn_id connection) noexcept {
    heard_ = session_.loop().now();
    if (!posting_) posting_ = connection;
    if (posting_ != connection) session_.end(errc::overlapping_post);
}

void polling::post_was_cut(conn_id connection) noexcept {
    if (posting_ == connection) session_.end(close_reason::transport_error);
}

void polling::take(const reply_form& form, byte_view body, payload_form how, http::responder answer,
                   conn_id connection) {
    session_.came_back();
    heard_ = session_.loop().now();
    if (post_ ||
        (posting_ && posting_ != connection)) {  // the packets of the two would be mixed up
        (void)answer.send(make_plain(form, describe(errc::overlapping_post).status, {}, {}));
        session_.end(errc::overlapping_post);
        return;
    }
    const std::size_t most = session_.owner().all.chosen.max_packets;
    auto whole = std::make_unique<post>(form, std::move(answer),
                                        payload_reader(body, how, most != 0 ? most : SIZE_MAX),
                                        body.size(), session_.loop().budget());
    whole->connection = connection;
    take_some(std::move(whole));
}

/// Until all of it has been handed over, the session has ended, or it has to wait for a turn.
void polling::take_some(std::unique_ptr<post> from) {
    net::loop_core& loop = session_.loop();
    while (!session_.is_over()) {
        packet got;
        switch (from->reader.next(got)) {
            case payload_status::packet: break;
            case payload_status::end: return answer_post(*from, std::nullopt);
            case payload_status::malformed: return answer_post(*from, errc::bad_packet);
            case payload_status::not_utf8: return answer_post(*from, errc::invalid_utf8);
            case payload_status::too_many: return answer_post(*from, errc::too_many_packets);
        }
        ++from->packets;
        loop.spend_work(net::message_work);
        if (!receive(got)) return answer_post(*from, errc::bad_packet);
        if (loop.has_work_left() || from->reader.rest().empty() || session_.is_over()) continue;
        if (from->kept.empty()) {
            from->kept = as_text(from->reader.rest());
            from->charge.set(heap_cost_of<post> + heap_cost(from->kept));
            from->reader.move_to(as_bytes(from->kept));
        }
        post_ = std::move(from);
        loop.await_turn([&home = session_.owner(), name = session_.name()] {
            session* const s = home.find(name);
            polling* const self = s != nullptr ? s->polls() : nullptr;
            if (self != nullptr && self->post_) self->take_some(std::move(self->post_));
        });
        return;
    }
    answer_post(*from,
                session_.handler_failed() ? std::optional(errc::handler_failed) : std::nullopt);
}

/// Answers it; `wrong` is what is wrong with its body.
void polling::answer_post(post& done, std::optional<errc> wrong) {
    session& owner = session_;
    duration wait{};
    if (net::traffic_account* const account = owner.peer().traffic(); account && !wrong) {
        const time_point now = owner.loop().now();
        const time_point due = account->spend(done.packets, done.bytes, now).due;
        if (due > later(now, net::max_debt)) wrong = errc::too_fast;
        if (due > now) wait = due - now;
    }
    const int status = wrong ? describe(*wrong).status : 200;
    if (wrong) owner.end(*wrong);  // this object lives until the session is told
    http::response reply = status == 200 ? make_plain(done.how, 200, "text/html", "ok")
                                         : make_plain(done.how, status, "text/plain",
                                                      std::string(describe(*wrong).text));
    if (wrong || wait == duration::zero()) return (void)done.answer.send(std::move(reply));
    // It sends the next one when it has this answer.
    posting_ = done.connection;
    owner.loop().after(
        wait, [answer = std::move(done.answer), reply = std::move(reply), &home = owner.owner(),
               name = owner.name(), connection = done.connection]() mutable {
            session* const left = home.find(name);
            if (left != nullptr && left->polls() != nullptr)
                left->polls()->post_is_whole(connection);
            (void)answer.send(std::move(reply));
        });
}

/// Hands a packet over; false when its base64 is broken.
bool polling::receive(const packet& got) {
    if (got.form != packet_data::base64) {
        session_.receive(got);
        return true;
    }
    const auto bytes = session_.owner().decode(got.text());
    if (bytes) session_.receive({got.type, packet_data::binary, *bytes});
    return bytes.has_value();
}

// ---- To the client ----

send_status polling::send(const message_view& packet) {
    const message whole(packet);
    return send({&whole, 1});
}

send_status polling::send(std::span<const message> group) {
    const options& chosen = session_.owner().all.chosen;
    if (!waiting_) {
        ws::connection_shared& web = session_.owner().web;
        waiting_.emplace(chosen.max_queue, web.hub.metrics(), web.loop.budget());
    }
    std::size_t wire = 0;
    for (const message& packet : group) {
        if (!packet) return send_status::dropped;  // there was no memory to make it
        if (packet.kind() != message_kind::text) has_binary_ = true;
        constexpr std::size_t around = 8;  // a separator or a length
        wire += around +
                (packet.kind() == message_kind::text ? packet.size() : base64_size(packet.size()));
    }
    const send_status status = waiting_->push(group, wire, 0, chosen.overflow);
    if (status == send_status::closed) {
        session_.end(errc::slow_consumer);
    } else if (answer_) {
        session_.owner().flush_later(session_);
        return status == send_status::queued ? send_status::sent : status;
    }
    return status;
}

void polling::append(std::string& body, const message& packet) const {
    if (packet.kind() == message_kind::text) {
        append_packet(body, form(), packet.text());
    } else if (form() == payload_form::counted_bytes) {
        append_binary_packet(body, packet.bytes());
    } else {
        append_base64_packet(body, form(), as_text(base64_of(packet).bytes));
    }
}

void polling::take_waiting(function_ref<void(std::span<const message>)> use) {
    while (waits()) waiting_->take(use);
}

void polling::flush() {
    if (!answer_ || (!waits() && !closing_)) return;
    std::string body;
    auto may = compressible::no;
    bool any = false;
    take_waiting([&](std::span<const message> group) {
        for (const message& packet : group) {
            append(body, packet);
            if (!packet.uncompressed()) may = compressible::yes;
        }
        session_.owner().metrics.packets_sent.add(group.size());
        any = true;
    });
    waiting_.reset();
    // The close comes with a reply of its own: clients hand packets on later than they close, so
    // that one behind others would overtake them.
    if (closing_ && !any) {
        append_packet(body, form(), "1");
        respond(std::move(body), may);
        session_.end(close_reason::forced_close);  // or what it was closed for
        return;
    }
    respond(std::move(body), may);
    if (any) session_.drained();
}

void polling::respond(std::string body, compressible may) {
    const auto kind =
        form() == payload_form::counted_bytes ? payload_kind::bytes : payload_kind::text;
    has_binary_ = false;
    http::responder answer = std::exchange(answer_, {});
    const reply_form how = std::exchange(how_, {});
    if (may == compressible::yes && how.coding != content_coding::none)
        session_.loop().spend_work(body.size() * net::compressed_byte_work);
    (void)answer.send(make_reply(how, std::move(body), session_.owner().all.chosen, may, kind));
}

void polling::watch_delivery() noexcept {
    const net::byte_stream* const stream = session_.loop().find(connection_);
    delivery_ = {};
    if (stream != nullptr) delivery_.begin(stream->delivered(), waits() ? waiting_->bytes() : 0);
}

bool polling::comes_on() noexcept {
    const net::byte_stream* const stream = session_.loop().find(connection_);
    return stream != nullptr && delivery_.comes_on(*stream);
}

void polling::make_way() {
    if (waits()) return flush();
    finish(packet_type::noop);
}

void polling::hand_over(server_transport& next) {
    if (const auto cut = std::exchange(post_, nullptr)) answer_post(*cut, std::nullopt);
    finish(packet_type::noop);
    take_waiting([&](std::span<const message> group) { next.send(group); });
}

void polling::close(const farewell&) noexcept {
    closing_ = true;
    session_.owner().flush_later(session_);
}

void polling::dismiss(const farewell& last) noexcept {
    try {
        if (const auto cut = std::exchange(post_, nullptr)) answer_post(*cut, std::nullopt);
        finish(last.packet);
    } catch (const std::bad_alloc&) {  // a poll that is not answered gets 500
        answer_ = {};
    }
}

void polling::finish(packet_type last) {
    if (!answer_) return;
    std::string body;
    const char digit = digit_of(last);
    append_packet(body, form(), {&digit, 1});
    respond(std::move(body), compressible::no);
}

// ---- When memory is short ----

std::uint64_t polling::held() const noexcept {
    return waiting_ ? waiting_->memory() : 0;
}

void polling::let_go(std::uint64_t) noexcept {
    waiting_.reset();
    session_.end(errc::shed);
}

}  // namespace weft::engineio
