// A session: what stays the same while transports come and go. It ends in two steps: `end` lets go
// of the transports and of the id at once, so that nothing more can come in or out; the shard then
// tells the user in the loop's next turn and frees it. So no call of the user's ever runs inside
// another, and whoever holds a session in a call may finish what it was doing.

#include "engineio/session.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include <weft/base/base64.hpp>

#include "engineio/polling.hpp"
#include "engineio/shard.hpp"
#include "engineio/websocket.hpp"

namespace weft::engineio {
namespace {

constexpr ws::close_code close_code_of(close_reason why) noexcept {
    switch (why) {
        case close_reason::parse_error: return ws::close_code::policy_violation;
        case close_reason::server_shutting_down: return ws::close_code::going_away;
        default: return ws::close_code::normal;
    }
}

constexpr close_reason reason_of(errc what) noexcept {
    switch (what) {
        case errc::bad_packet:
        case errc::invalid_utf8:
        case errc::too_many_packets: return close_reason::parse_error;
        case errc::ping_timeout: return close_reason::ping_timeout;
        case errc::handler_failed: return close_reason::forced_close;
        default: return close_reason::transport_error;
    }
}

constexpr std::string_view control(packet_type type) noexcept {
    return std::string_view("0123456").substr(static_cast<std::size_t>(type), 1);
}

}  // namespace

std::string_view to_string(close_reason why) noexcept {
    constexpr std::array<std::string_view, close_reasons> texts{
        "transport error", "transport close", "forced close",
        "ping timeout",    "parse error",     "server shutting down"};
    return texts[static_cast<std::size_t>(why)];
}

std::string_view to_string(transport_kind kind) noexcept {
    return kind == transport_kind::polling ? "polling" : "websocket";
}

session::session(std::uint32_t slot, std::uint32_t generation, shard& owner, const session_key& key,
                 handshake asked, const beginning& how)
    : shard_(owner),
      name_(owner.web.loop.index(), slot, generation),
      key_(key),
      request_(std::move(asked)),
      timer_(*this),
      heard_(owner.web.loop.now()),
      principal_(how.principal),
      transport_(how.transport),
      protocol_(static_cast<std::uint8_t>(how.protocol)),
      base64_(how.base64) {
    if (transport_ == transport_kind::polling) polling_ = std::make_unique<polling>(*this);
}

session::~session() = default;

net::loop_core& session::loop() const noexcept {
    return shard_.web.loop;
}

/// The one boundary to the user's code. False when it threw; the session is over then.
template <class F>
bool session::guarded(F&& call) noexcept {
    try {
        call();
        return true;
    } catch (const std::exception& thrown) {
        loop().log(log_level::error, "engineio", thrown.what());
    } catch (...) {
        loop().log(log_level::error, "engineio",
                   "a handler threw something that is not a std::exception");
    }
    shard_.metrics.handler_exceptions.add();
    failed_handler_ = true;
    end(errc::handler_failed);
    return false;
}

/// Out of memory is the end of this session, not of the process.
template <class F>
auto session::within_memory(F&& call) noexcept -> decltype(call()) {
    try {
        return call();
    } catch (...) {
        end(close_reason::transport_error);
        if constexpr (!std::is_void_v<decltype(call())>) return send_status::closed;
    }
}

void session::open() noexcept {
    if (state_ != state::opening) return;
    state_ = state::open;
    const options& chosen = shard_.all.chosen;
    if (websocket_ != nullptr) {
        within_memory([&] {
            send_control(write_open(
                {id(), false, chosen.ping_interval / std::chrono::milliseconds(1),
                 chosen.ping_timeout / std::chrono::milliseconds(1), chosen.max_http_buffer_size}));
        });
    }
    heard_ = loop().now();
    arm(heard_ + chosen.ping_interval + (protocol_ == 3 ? chosen.ping_timeout : duration::zero()));
    if (!chosen.initial_packet.empty())
        within_memory([&] { send(message::text("4" + chosen.initial_packet)); });
    guarded([&] {
        user_ = shard_.all.make_user(*this);
        if (user_ != nullptr && state_ == state::open) user_->on_open();
    });
    if (user_ == nullptr) end(close_reason::forced_close);
}

// ---- From the client ----

void session::heard() noexcept {
    heard_ = loop().now();
}

void session::receive_text(std::string_view text) noexcept {
    if (!text.empty() && text[0] == 'b') {  // base64, from a client that sends no binary frames
        text.remove_prefix(protocol_ == 3 && text.substr(0, 2) == "b4" ? 2 : 1);
        return within_memory([&] {
            const byte_span memory = shard_.decoding_memory(decoded_size(text.size()));
            const auto size = decode_base64(text, memory);
            if (!size) return end(errc::bad_packet);
            receive_message({message_kind::binary, memory.first(*size)});
        });
    }
    const auto got = parse_packet(text);
    if (!got) return end(errc::bad_packet);
    receive(*got);
}

void session::receive_message(const message_view& data) noexcept {
    shard_.metrics.packets_received.add();
    if (state_ == state::open) guarded([&] { user_->on_message(data); });
}

void session::receive(const packet& got) noexcept {
    if (got.type == packet_type::message) {
        return receive_message(
            {got.form == packet_data::text ? message_kind::text : message_kind::binary, got.data});
    }
    shard_.metrics.packets_received.add();
    switch (got.type) {
        case packet_type::ping:
            if (protocol_ == 4) return end(errc::wrong_heartbeat);
            within_memory([&] { send_control("3" + std::string(got.text())); });
            return;
        case packet_type::pong:
            if (protocol_ == 3) return end(errc::wrong_heartbeat);
            if (pinged_ == time_point::max()) return;  // nobody asked
            pinged_ = time_point::max();
            if (state_ == state::open) arm(loop().now() + shard_.all.chosen.ping_interval);
            return;
        case packet_type::close: return end(close_reason::transport_close, packet_type::noop);
        default: return;  // open, upgrade and noop mean nothing here
    }
}

// ---- To the client ----

bool session::writable() const noexcept {
    if (websocket_ != nullptr) return websocket_->keeps_up();
    return polling_ != nullptr && polling_->keeps_up();
}

send_status session::send(const message& packet) noexcept {
    return send(std::span(&packet, 1));
}

send_status session::send(std::span<const message> group) noexcept {
    if (!loop().in_loop_thread()) return send_status::misuse;
    if (state_ != state::open) return send_status::closed;
    if (group.empty()) return send_status::sent;
    if (group.front().droppable() && !writable()) {
        shard_.metrics.dropped_droppable.add(group.size());
        return send_status::dropped;
    }
    if (websocket_ != nullptr) return send_over(*websocket_, group);
    return within_memory([&] { return polling_->queue(group); });
}

send_status session::send(const message_view& packet) noexcept {
    if (!loop().in_loop_thread()) return send_status::misuse;
    if (state_ != state::open) return send_status::closed;
    const bool as_it_is = packet.is_text() || (protocol_ == 4 && !base64_);
    if (websocket_ == nullptr || !as_it_is) return send(message(packet));
    shard_.metrics.packets_sent.add();
    return websocket_->send(packet);
}

send_status session::send_over(websocket& carrier, std::span<const message> group) noexcept {
    shard_.metrics.packets_sent.add(group.size());
    const auto as_it_is = [&](const message& packet) {
        return packet.kind() == message_kind::text || (protocol_ == 4 && !base64_);
    };
    if (std::all_of(group.begin(), group.end(), as_it_is)) return carrier.send(group);
    return within_memory([&] {
        std::vector<message> fitting;
        for (const message& packet : group)
            fitting.push_back(as_it_is(packet) ? packet : wrapped(packet));
        return carrier.send(fitting);
    });
}

/// Binary data for clients that need base64, or, with protocol 3, the type in front.
message session::wrapped(const message& packet) const {
    const message_options how{packet.key(), packet.droppable(), packet.uncompressed(),
                              packet.latest()};
    std::string text = base64_ ? (protocol_ == 3 ? "b4" : "b") : "\x04";
    text += as_text(base64_ ? base64_of(packet).bytes : packet.bytes());
    return base64_ ? message::text(text, how) : message::binary(as_bytes(text), how);
}

void session::send_control(std::string_view packet) noexcept {
    if (websocket_ != nullptr) {
        websocket_->send(message_view(packet));
    } else if (polling_ != nullptr) {
        const message whole = message::text(packet);
        within_memory([&] { polling_->queue({&whole, 1}); });
    }
}

void session::drained() noexcept {
    if (state_ == state::open && user_ != nullptr) guarded([this] { user_->on_drained(); });
}

void session::flush() noexcept {
    if (polling_ != nullptr) within_memory([this] { polling_->flush(); });
}

// ---- The upgrade ----

void session::answer_poll() noexcept {
    if (polling_ != nullptr) within_memory([this] { polling_->answer_noop(); });
}

void session::switch_to(websocket& to) noexcept {
    probing_ = nullptr;
    websocket_ = &to;
    transport_ = transport_kind::websocket;
    upgraded_ = true;
    shard_.metrics.upgrades.add();
    shard_.metrics.polling_sessions.sub();
    shard_.metrics.websocket_sessions.add();
    within_memory([&] {
        const std::unique_ptr<polling> left = std::move(polling_);
        left->finish(packet_type::noop);
        left->take_waiting([&](std::span<const message> group) { send_over(to, group); });
    });
    if (state_ == state::closing) {
        to.close(close_code_of(reason_), to_string(reason_));
    } else {
        drained();
    }
}

void session::websocket_ended(websocket& which, const ws::close_event& event) noexcept {
    if (&which == probing_) {
        probing_ = nullptr;
        return;
    }
    const bool at_fault = event.cause == condition::protocol_violation ||
                          event.cause == condition::limit_exceeded ||
                          event.cause == condition::misuse;
    end(at_fault ? close_reason::transport_error : close_reason::transport_close);
}

// ---- The end ----

void session::close(close_reason why) noexcept {
    if (!loop().in_loop_thread() || state_ == state::closing || state_ == state::ended) return;
    if (state_ == state::opening) return end(why);
    state_ = state::closing;
    reason_ = why;
    if (websocket_ != nullptr) {
        websocket_->close(close_code_of(why), to_string(why));
    } else {
        arm(loop().now() + shard_.all.chosen.close_timeout);
        shard_.flush_later(*this);
    }
}

void session::fail(close_reason why) noexcept {
    if (loop().in_loop_thread()) end(why);
}

void session::end(errc what) noexcept {
    if (state_ == state::ended) return;
    shard_.metrics.count(what);
    const error_row& row = describe(what);
    const close_reason why = reason_of(what);
    if (state_ != state::closing) reason_ = why;
    release(row.close != 0 ? ws::close_code{row.close} : close_code_of(why), row.text,
            packet_type::close);
}

void session::end(close_reason why, packet_type last) noexcept {
    if (state_ == state::ended) return;
    if (state_ != state::closing) reason_ = why;
    release(close_code_of(reason_), to_string(reason_), last);
}

void session::release(ws::close_code code, std::string_view text, packet_type last) noexcept {
    state_ = state::ended;
    timer_.cancel();
    shard_.forget(*this);
    shard_.finish_later(*this);
    if (probing_ != nullptr) std::exchange(probing_, nullptr)->let_go(code, text);
    if (websocket_ != nullptr) std::exchange(websocket_, nullptr)->let_go(code, text);
    if (polling_ != nullptr) within_memory([&] { polling_->finish(last); });
}

void session::finish() noexcept {
    if (user_ != nullptr) guarded([this] { user_->on_close(reason_); });
    user_.reset();
}

// ---- Time ----

void session::arm(time_point when) noexcept {
    loop().arm(timer_, when);
}

void session::heartbeat_timer::fire(timer_node& node) {
    static_cast<heartbeat_timer&>(node).owner.heartbeat();
}

time_point session::last_heard() const noexcept {
    return websocket_ != nullptr ? std::max(heard_, websocket_->last_received()) : heard_;
}

void session::heartbeat() {
    const time_point now = loop().now();
    const options& chosen = shard_.all.chosen;
    if (state_ == state::closing) return end(reason_);
    if (protocol_ == 4 && pinged_ == time_point::max()) {
        pinged_ = now;
        send_control(control(packet_type::ping));
        return arm(now + chosen.ping_timeout);
    }
    // Any sign of life counts, so a long upload is no silence.
    const duration patience =
        protocol_ == 4 ? chosen.ping_timeout : chosen.ping_interval + chosen.ping_timeout;
    const time_point since = protocol_ == 4 ? std::max(pinged_, last_heard()) : last_heard();
    if (now - since >= patience) return end(errc::ping_timeout);
    arm(since + patience);
}

}  // namespace weft::engineio
