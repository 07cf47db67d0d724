// One WebSocket of the engine: a packet is a message. As a carrier it hands packets to its session.
// As a probe it plays the upgrade: `2probe`, `3probe`, `5`; nothing else may come first, and the
// session goes on over polling whatever becomes of the probe. While the client finishes its last
// poll, that poll is answered with a noop every 100 ms, since only then can the client go on.

#include "engineio/websocket.hpp"

#include <algorithm>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/heap_cost.hpp"
#include "engineio/polling.hpp"
#include "engineio/shard.hpp"
#include "net/traffic_meter.hpp"

namespace weft::engineio {
namespace {

constexpr duration noop_every = std::chrono::milliseconds(100);

}  // namespace

struct websocket::probe_timer final : net::timer_node {
    probe_timer(websocket& parent, time_point end) noexcept
        : timer_node(&fire), owner(parent), deadline(end) {}
    static void fire(timer_node& node) { static_cast<probe_timer&>(node).owner.tick(); }
    websocket& owner;
    time_point deadline;
};

websocket::websocket(shard& owner, ws::connection_core& socket, session* target, role as) noexcept
    : shard_(owner), socket_(socket), session_(target), role_(as) {
    shard_.web.loop.budget().charge(heap_cost_of<websocket>);
    if (role_ == role::carrier) {
        ++shard_.websockets;
        session_->carry(*this);
    }
    if (role_ == role::probe) session_->try_out(*this);
}

/// One whose stream never opened has heard no `on_close`: its session ends with it, too.
websocket::~websocket() {
    if (session_ != nullptr) session_->transport_ended(*this, close_reason::transport_error);
    if (role_ == role::carrier) --shard_.websockets;
    shard_.web.loop.budget().release(heap_cost_of<websocket>);
}

void websocket::on_open() {
    if (session_ == nullptr) {
        socket_.close(ws::close_code::normal, {});
    } else if (role_ == role::carrier) {
        socket_.send(message_view(session_->greeting()));
        session_->open();
    } else {
        const time_point deadline = later(shard_.web.loop.now(), shard_.all.chosen.upgrade_timeout);
        timer_ = std::make_unique<probe_timer>(*this, deadline);
        shard_.web.loop.arm(*timer_, deadline);
    }
}

// ---- To the client ----

/// Whether a packet goes as it is: a client may be unable to take binary frames, and with protocol
/// 3 they begin with the packet's type.
bool websocket::fits(message_kind kind) const noexcept {
    return kind == message_kind::text || (session_->protocol() == 4 && !session_->wants_base64());
}

send_status websocket::send(const message_view& packet) {
    if (!fits(packet.kind())) {
        const message whole(packet);
        return whole ? send({&whole, 1}) : send_status::dropped;
    }
    shard_.metrics.packets_sent.add();
    return socket_.send(packet);
}

send_status websocket::send(std::span<const message> group) {
    shard_.metrics.packets_sent.add(group.size());
    const auto as_it_is = [&](const message& packet) { return fits(packet.kind()); };
    if (std::all_of(group.begin(), group.end(), as_it_is)) return socket_.send(group);
    std::vector<message> fitting;
    for (const message& packet : group)
        fitting.push_back(as_it_is(packet) ? packet : wrapped(packet));
    return socket_.send(fitting);
}

message websocket::wrapped(const message& packet) const {
    const message_options how{packet.key(), packet.droppable(), packet.uncompressed(),
                              packet.latest()};
    if (!session_->wants_base64()) {
        std::string bytes = "\x04";
        bytes += as_text(packet.bytes());
        return message::binary(as_bytes(bytes), how);
    }
    std::string text = session_->protocol() == 3 ? "b4" : "b";
    text += as_text(base64_of(packet).bytes);
    return message::text(text, how);
}

void websocket::dismiss(const farewell& last) noexcept {
    session_ = nullptr;
    timer_.reset();
    socket_.close(last.code, last.text);
}

void websocket::identified(const peer& who) noexcept {
    net::traffic_account* const account = socket_.stream().peer().traffic();
    if (account != nullptr && who.traffic() != nullptr) account->share_subject(*who.traffic());
}

void websocket::on_drained() {
    if (session_ != nullptr && role_ == role::carrier) session_->drained();
}

// ---- From the client ----

void websocket::on_message(const message_view& what) {
    if (session_ == nullptr) return;
    if (role_ == role::probe) return on_probe(what);
    if (what.is_text()) {
        on_text(what.text());
    } else if (session_->protocol() == 4) {
        session_->receive_message(what);
    } else if (what.size() > 0 && what.bytes()[0] == std::byte{4}) {  // protocol 3 has its type
        session_->receive_message({message_kind::binary, what.bytes().subspan(1)});
    } else {
        session_->end(errc::bad_packet);
    }
}

void websocket::on_text(std::string_view text) {
    if (!text.empty() && text[0] == 'b') {  // base64, from a client that sends no binary frames
        text.remove_prefix(session_->protocol() == 3 && text.substr(0, 2) == "b4" ? 2 : 1);
        std::optional<byte_view> bytes;
        try {
            bytes = shard_.decode(text);
        } catch (const std::bad_alloc&) {
            return session_->end(close_reason::transport_error);
        }
        if (!bytes) return session_->end(errc::bad_packet);
        return session_->receive_message({message_kind::binary, *bytes});
    }
    const auto got = parse_packet(text);
    if (!got) return session_->end(errc::bad_packet);
    session_->receive(*got);
}

// ---- The upgrade ----

void websocket::on_probe(const message_view& what) {
    if (what.is_text() && what.text() == "2probe") {
        socket_.send(message_view("3probe"));
        probed_ = true;
        make_way();
    } else if (what.is_text() && what.text() == "5" && probed_) {
        timer_.reset();
        role_ = role::carrier;
        ++shard_.websockets;
        session_->switch_to(*this);
    } else {
        give_up(errc::bad_probe);
    }
}

void websocket::tick() noexcept {
    if (shard_.web.loop.now() >= timer_->deadline) return give_up(errc::upgrade_timeout);
    make_way();
}

/// The poll that hangs is answered, now and again, until the client switches.
void websocket::make_way() noexcept {
    session_->make_way();
    if (timer_ == nullptr) return;  // there was no memory for it, and the session has ended
    shard_.web.loop.arm(*timer_,
                        std::min(timer_->deadline, later(shard_.web.loop.now(), noop_every)));
}

void websocket::give_up(errc why) noexcept {
    shard_.note(why, &socket_.stream().peer());
    session_->transport_ended(*this, close_reason::transport_error);
    dismiss({packet_type::close, ws::close_code{describe(why).close}, describe(why).text});
}

void websocket::on_close(const ws::close_event& event) {
    timer_.reset();
    if (session_ == nullptr) return;
    const bool at_fault = event.cause == condition::protocol_violation ||
                          event.cause == condition::limit_exceeded ||
                          event.cause == condition::misuse;
    std::exchange(session_, nullptr)
        ->transport_ended(*this,
                          at_fault ? close_reason::transport_error : close_reason::transport_close);
}

}  // namespace weft::engineio
