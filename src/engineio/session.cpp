// A session: what stays the same while transports come and go. It ends in two steps: `end` lets go
// of the transports and of the id at once, so that nothing more can come in or out; the shard then
// tells the user in the loop's next turn and frees it. So no call of the user's ever runs inside
// another, and whoever holds a session in a call may finish what it was doing.

#include "engineio/session.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/heap_cost.hpp"
#include "engineio/polling.hpp"
#include "engineio/shard.hpp"
#include "engineio/transport.hpp"
#include "net/access_note.hpp"
#include "net/traffic_meter.hpp"

namespace weft::engineio {
namespace {

/// What is left at least when the user is told that the identity ends.
constexpr duration ending_notice = std::chrono::seconds(60);

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
        case errc::ping_timeout:
        case errc::handshake_timeout:
        case errc::gave_way: return close_reason::ping_timeout;
        case errc::identity_expired:
        case errc::handler_failed: return close_reason::forced_close;
        default: return close_reason::transport_error;
    }
}

/// What an access log is told; nothing for an end in order.
std::error_code cause_of(close_reason why) noexcept {
    switch (why) {
        case close_reason::transport_error: return make_error_code(weft::errc::closed_by_peer);
        case close_reason::ping_timeout: return make_error_code(errc::ping_timeout);
        case close_reason::parse_error: return make_error_code(errc::bad_packet);
        case close_reason::server_shutting_down: return make_error_code(weft::errc::shutting_down);
        case close_reason::transport_close:
        case close_reason::forced_close: break;
    }
    return {};
}

farewell farewell_of(close_reason why, packet_type last = packet_type::close) noexcept {
    return {last, close_code_of(why), to_string(why)};
}

constexpr std::string_view control(packet_type type) noexcept {
    return std::string_view("0123456").substr(static_cast<std::size_t>(type), 1);
}

}  // namespace

/// One that gives way to newcomers: nobody may ever ask for it again.
class awaited_session final : public net::latecomers::place {
public:
    explicit awaited_session(session& whose) : place(whose.shard_.waiting), whose_(whose) {
        enter(session_census::network_of(whose.peer_.address()));
        memory().charge(cost);
    }
    ~awaited_session() override { memory().release(cost); }

private:
    // A node of the list beside itself; the address is charged with the session.
    static constexpr std::size_t cost =
        heap_cost(sizeof(net::latecomers::place) + 2 * sizeof(void*)) +
        heap_cost(3 * sizeof(void*));

    void give_way() noexcept override { whose_.end(errc::gave_way); }
    [[nodiscard]] byte_budget& memory() const noexcept { return whose_.loop().budget(); }

    session& whose_;
};

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
                 http::handshake asked, const weft::peer& from, const beginning& how)
    : timer_node(&fire),
      shard_(owner),
      name_(owner.web.loop.index(), slot, generation),
      key_(key),
      peer_(this, from),
      request_(std::move(asked)),
      principal_(how.principal),
      transport_(how.transport),
      protocol_(static_cast<std::uint8_t>(how.protocol)),
      base64_(how.base64) {
    if (const auto& paces = owner.all.websocket.paces)
        peer_.count_traffic(loop().traffic()).set_own(&*paces);
    if (transport_ == transport_kind::polling) {
        polling_ = std::make_unique<polling>(*this);
        carry(*polling_);
    }
    if (loop().options().access != nullptr) {
        const auto traced = request_.trace();
        access_ = net::access_note::make(loop(), {}, request_.path(),
                                         traced ? traced->trace_id : std::string_view{});
        access_->set_kind(access_kind::engineio);
    }
    loop().budget().charge(shard::cost_of_session(request_));
}

session::~session() {
    loop().budget().release(shard::cost_of_session(request_));
}

net::loop_core& session::loop() const noexcept {
    return shard_.web.loop;
}

/// Runs the user's code. False when it threw; the session is over then.
template <class F>
bool session::guarded(std::string_view callback, F&& call) noexcept {
    const bool returned = shard_.users.call(std::forward<F>(call), [this, callback] {
        return user_place{.callback = callback,
                          .route = shard_.all.chosen.path,
                          .peer = peer_.address().to_string()};
    });
    if (returned) return true;
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

// ---- The transport ----

void session::carry(server_transport& carrier) noexcept {
    carrier_ = &carrier;
    carrier.identified(peer_);
    transport_ = carrier.kind();
}

bool session::may_upgrade() const noexcept {
    return state_ == state::open && polling_ != nullptr && probe_ == nullptr &&
           shard_.all.chosen.allow_upgrades;
}

std::string session::greeting() const {
    const options& chosen = shard_.all.chosen;
    const auto in_ms = [](duration d) { return d / std::chrono::milliseconds(1); };
    const bool upgrades = transport_ == transport_kind::polling && chosen.allow_upgrades &&
                          std::find(chosen.transports.begin(), chosen.transports.end(),
                                    transport_kind::websocket) != chosen.transports.end();
    return write_open({id(), upgrades, in_ms(chosen.ping_interval), in_ms(chosen.ping_timeout),
                       chosen.max_http_buffer_size});
}

void session::make_way() noexcept {
    if (carrier_ != nullptr) within_memory([this] { carrier_->make_way(); });
}

void session::switch_to(server_transport& next) noexcept {
    came_back();
    probe_ = nullptr;
    server_transport& left = *std::exchange(carrier_, &next);
    const std::unique_ptr<polling> owned = std::move(polling_);
    next.identified(peer_);
    transport_ = next.kind();
    upgraded_ = true;
    shard_.metrics.upgrades.add();
    shard_.metrics.polling_sessions.sub();
    shard_.metrics.websocket_sessions.add();
    within_memory([&] { left.hand_over(next); });
    if (state_ == state::closing) {
        next.close(farewell_of(reason_));
    } else {
        drained();
    }
}

void session::transport_ended(server_transport& which, close_reason why) noexcept {
    if (&which == probe_) {
        probe_ = nullptr;
        return;
    }
    carrier_ = nullptr;
    end(why);
}

// ---- The beginning ----

void session::open() noexcept {
    if (state_ != state::opening) return;
    state_ = state::open;
    const options& chosen = shard_.all.chosen;
    const time_point now = loop().now();
    const bool comes_back = transport_ == transport_kind::polling;
    arm(comes_back ? std::min(first_ping(now), later(now, chosen.handshake_timeout))
                   : first_ping(now));
    if (comes_back) within_memory([&] { awaited_ = std::make_unique<awaited_session>(*this); });
    if (!comes_back && !chosen.initial_packet.empty())
        within_memory([&] { send(message::text("4" + chosen.initial_packet)); });
    guarded("on_open", [&] {
        user_ = shard_.all.make_user(*this);
        if (user_ != nullptr && state_ == state::open) user_->on_open();
    });
    if (user_ == nullptr) end(close_reason::forced_close);
}

// ---- From the client ----

void session::came_back() noexcept {
    if (awaited_ == nullptr) return;
    awaited_ = nullptr;
    if (state_ == state::open && pinged_ == time_point::max())
        arm(first_ping(carrier_->last_received()));
}

void session::receive_message(const message_view& data) noexcept {
    shard_.metrics.packets_received.add();
    if (state_ == state::open) guarded("on_message", [&] { user_->on_message(data); });
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
            if (state_ == state::open) arm(later(loop().now(), shard_.all.chosen.ping_interval));
            return;
        case packet_type::close: return end(close_reason::transport_close, packet_type::noop);
        default: return;  // open, upgrade and noop mean nothing here
    }
}

// ---- To the client ----

bool session::writable() const noexcept {
    return carrier_ != nullptr && carrier_->keeps_up();
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
    return within_memory([&] { return carrier_->send(group); });
}

send_status session::send(const message_view& packet) noexcept {
    if (!loop().in_loop_thread()) return send_status::misuse;
    if (state_ != state::open) return send_status::closed;
    return within_memory([&] { return carrier_->send(packet); });
}

void session::send_control(std::string_view packet) noexcept {
    if (carrier_ != nullptr) within_memory([&] { carrier_->send(message_view(packet)); });
}

void session::drained() noexcept {
    if (state_ == state::open && user_ != nullptr)
        guarded("on_drained", [this] { user_->on_drained(); });
}

void session::flush() noexcept {
    if (carrier_ != nullptr) within_memory([this] { carrier_->flush(); });
}

// ---- The end ----

void session::close(close_reason why) noexcept {
    if (!loop().in_loop_thread() || state_ == state::closing || state_ == state::ended) return;
    if (state_ == state::opening) return end(why);
    state_ = state::closing;
    reason_ = why;
    arm(later(loop().now(), shard_.all.chosen.close_timeout));
    carrier_->close(farewell_of(why));
}

void session::fail(close_reason why) noexcept {
    if (loop().in_loop_thread()) end(why);
}

void session::fail(errc why) noexcept {
    if (loop().in_loop_thread()) end(why);
}

void session::fail(close_reason why, std::string_view told) noexcept {
    if (!loop().in_loop_thread() || state_ == state::ended) return;
    if (state_ != state::closing) reason_ = why;
    release({packet_type::close, close_code_of(reason_), told});
}

void session::expel(close_reason why, std::string_view told) noexcept {
    if (polling_ != nullptr && polling_->waits()) return close(why);
    fail(why, told);
}

void session::end(errc what) noexcept {
    if (state_ == state::ended) return;
    shard_.note(what, &peer_);
    if (access_ != nullptr) access_->set_cause(make_error_code(what));
    const error_row& row = describe(what);
    if (row.kind == condition::protocol_violation) note_violation();
    const close_reason why = reason_of(what);
    if (state_ != state::closing) reason_ = why;
    release({packet_type::close, row.close != 0 ? ws::close_code{row.close} : close_code_of(why),
             row.text});
}

void session::note_violation() noexcept {
    if (peer_.traffic() != nullptr) peer_.traffic()->note_error(loop().now());
}

void session::end(close_reason why, packet_type last) noexcept {
    if (state_ == state::ended) return;
    if (state_ != state::closing) reason_ = why;
    release(farewell_of(reason_, last));
}

void session::release(const farewell& last) noexcept {
    state_ = state::ended;
    cancel();  // the heartbeat
    awaited_ = nullptr;
    shard_.forget(*this);
    shard_.finish_later(*this);
    if (probe_ != nullptr) std::exchange(probe_, nullptr)->dismiss(last);
    if (carrier_ != nullptr) std::exchange(carrier_, nullptr)->dismiss(last);
}

void session::finish() noexcept {
    if (access_ != nullptr) access_->tell(peer_, cause_of(reason_));
    if (user_ != nullptr) guarded("on_close", [this] { user_->on_close(reason_); });
    user_.reset();
}

// ---- Time ----

time_point session::first_ping(time_point opened) const noexcept {
    const options& chosen = shard_.all.chosen;
    return later(opened, protocol_ == 3 ? longer(chosen.ping_interval, chosen.ping_timeout)
                                        : chosen.ping_interval);
}

void session::arm(time_point when) noexcept {
    loop().arm(*this, std::min(when, identity_ends()));
}

time_point session::identity_ends() const noexcept {
    const identity* const known = state_ == state::open ? peer_.who() : nullptr;
    return known != nullptr ? known->expires : time_point::max();
}

/// A heartbeat has to come before the end, to tell of it. One that comes too early does no harm.
void session::on_identified() noexcept {
    told_ending_ = false;
    if (carrier_ != nullptr) carrier_->identified(peer_);
    const time_point now = loop().now(), ends = identity_ends();
    if (ends == time_point::max()) return;
    loop().arm_sooner(*this, ends > now ? later(now, (ends - now) / 2) : ends);
}

void session::fire(timer_node& heartbeat) {
    static_cast<session&>(heartbeat).heartbeat();
}

void session::heartbeat() {
    const time_point now = loop().now();
    const options& chosen = shard_.all.chosen;
    if (state_ == state::closing) return end(reason_);
    if (identity_ends() <= now) return end(errc::identity_expired);
    if (!told_ending_ && state_ == state::open && user_ != nullptr &&
        identity_ends() <= later(now, longer(chosen.ping_interval, ending_notice))) {
        told_ending_ = true;
        if (!guarded("on_identity_ending", [this] { user_->on_identity_ending(); })) return;
    }
    if (awaited_ && now - carrier_->last_received() >= chosen.handshake_timeout)
        return end(errc::handshake_timeout);
    if (protocol_ == 4 && pinged_ == time_point::max()) {
        pinged_ = now;
        carrier_->watch_delivery();
        send_control(control(packet_type::ping));
        return arm(later(now, chosen.ping_timeout));
    }
    // Any sign of life counts, so neither a long upload nor a long download is silence.
    const duration patience =
        protocol_ == 4 ? chosen.ping_timeout : longer(chosen.ping_interval, chosen.ping_timeout);
    const time_point heard = carrier_->last_received();
    const time_point since = protocol_ == 4 ? std::max(pinged_, heard) : heard;
    const bool silent = now - since >= patience;
    if (silent && !carrier_->comes_on()) return end(errc::ping_timeout);
    arm(later(silent ? now : since, patience));
}

}  // namespace weft::engineio
