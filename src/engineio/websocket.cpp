// One WebSocket of the engine. As a carrier it hands packets to its session. As a probe it plays
// the upgrade: `2probe`, `3probe`, `5`; nothing else may come first, and the session goes on over
// polling whatever becomes of the probe. While the client finishes its last poll, that poll is
// answered with a noop every 100 ms, since only then can the client go on.

#include "engineio/websocket.hpp"

#include <algorithm>

#include "engineio/shard.hpp"

namespace weft::engineio {
namespace {

constexpr duration noop_every = std::chrono::milliseconds(100);

}  // namespace

struct websocket::probe_timer final : net::timer_node {
    probe_timer(websocket& of, time_point end) noexcept
        : timer_node(&fire), owner(of), deadline(end) {}
    static void fire(timer_node& node) { static_cast<probe_timer&>(node).owner.tick(); }
    websocket& owner;
    time_point deadline;
};

websocket::websocket(shard& owner, ws::session& socket, session* of, role as) noexcept
    : shard_(owner), socket_(socket), session_(of), role_(as) {}

websocket::~websocket() = default;

void websocket::on_open() {
    if (role_ == role::carrier && session_ != nullptr) {
        session_->open();
    } else if (role_ == role::probe && session_ != nullptr) {
        const time_point deadline = shard_.web.loop.now() + shard_.all.chosen.upgrade_timeout;
        timer_ = std::make_unique<probe_timer>(*this, deadline);
        shard_.web.loop.arm(*timer_, deadline);
    } else {
        socket_.close(ws::close_code::normal, {});
    }
}

void websocket::on_message(const message_view& what) {
    if (session_ == nullptr) return;
    if (role_ == role::probe) return on_probe(what);
    if (what.is_text()) {
        session_->receive_text(what.text());
    } else if (session_->protocol() == 4) {
        session_->receive_message(what);
    } else if (what.size() > 0 && what.bytes()[0] == std::byte{4}) {  // protocol 3 has its type
        session_->receive_message({message_kind::binary, what.bytes().subspan(1)});
    } else {
        session_->end(errc::bad_packet);
    }
}

void websocket::on_probe(const message_view& what) {
    if (what.is_text() && what.text() == "2probe") {
        socket_.send(message_view("3probe"));
        probed_ = true;
        session_->answer_poll();
        shard_.web.loop.arm(*timer_,
                            std::min(timer_->deadline, shard_.web.loop.now() + noop_every));
    } else if (what.is_text() && what.text() == "5" && probed_) {
        timer_.reset();
        role_ = role::carrier;
        session_->switch_to(*this);
    } else {
        give_up(errc::bad_probe);
    }
}

void websocket::tick() noexcept {
    const time_point now = shard_.web.loop.now();
    if (now >= timer_->deadline) return give_up(errc::upgrade_timeout);
    session_->answer_poll();
    shard_.web.loop.arm(*timer_, std::min(timer_->deadline, now + noop_every));
}

void websocket::give_up(errc why) noexcept {
    shard_.metrics.count(why);
    session_->probing_ = nullptr;
    let_go(ws::close_code{describe(why).close}, describe(why).text);
}

void websocket::let_go(ws::close_code code, std::string_view reason) noexcept {
    session_ = nullptr;
    timer_.reset();
    socket_.close(code, reason);
}

void websocket::on_drained() {
    if (session_ != nullptr && role_ == role::carrier) session_->drained();
}

void websocket::on_close(const ws::close_event& event) {
    timer_.reset();
    if (session_ == nullptr) return;
    session& of = *std::exchange(session_, nullptr);
    of.websocket_ended(*this, event);
}

}  // namespace weft::engineio
