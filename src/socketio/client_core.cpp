// The connection of a client, and when to make it again. Every attempt and every pause has a serial
// number, and what the loop still reports of an earlier one is dropped by it. Each call from below
// holds the core, so that a handler may destroy the client; `left_` then keeps everybody quiet.

#include "socketio/client_core.hpp"

#include <algorithm>
#include <cmath>
#include <exception>
#include <new>
#include <utility>

#include "base/explained.hpp"
#include "http/retry_after.hpp"
#include "net/byte_stream.hpp"
#include "net/mailbox.hpp"
#include "socketio/client_namespace.hpp"
#include "socketio/error_answer.hpp"
#include "socketio/proto/msgpack_packet.hpp"

namespace weft::socketio::detail {
namespace {

/// How long a connection that we end may take to bring what was sent.
constexpr duration close_grace = std::chrono::seconds(10);

client_disconnect_reason reason_of(engineio::close_cause cause) noexcept {
    switch (cause) {
        case engineio::close_cause::ping_timeout: return client_disconnect_reason::ping_timeout;
        case engineio::close_cause::transport_close:
            return client_disconnect_reason::transport_close;
        case engineio::close_cause::transport_error:
            return client_disconnect_reason::transport_error;
        case engineio::close_cause::forced_close: break;
    }
    return client_disconnect_reason::io_client_disconnect;
}

}  // namespace

duration reconnection_pause(const client_options& how, unsigned attempts,
                            std::uint32_t random) noexcept {
    const double longest = static_cast<double>(how.reconnection_delay_max.count());
    double pause = static_cast<double>(how.reconnection_delay.count()) * std::pow(2, attempts);
    const double spread = 2 * (static_cast<double>(random) / 4294967295.0) - 1;  // -1 to 1
    pause *= 1 + spread * how.randomization_factor;
    return to_duration(std::min(pause, longest));
}

// ---- How others find the client ----

void client_home::acknowledge(std::uint64_t peer, std::uint64_t id,
                              const encoded_arguments& what) noexcept {
    try {
        if (!here()) return acknowledge(peer, id, encoded_arguments(what));
        if (client_core* const there = client()) there->acknowledge(peer, id, what);
    } catch (const std::bad_alloc&) {
        return;
    }
}

void client_home::acknowledge(std::uint64_t peer, std::uint64_t id,
                              encoded_arguments&& what) noexcept {
    try {
        if (here()) {
            if (client_core* const there = client()) there->acknowledge(peer, id, what);
            return;
        }
        post([self = shared_from_this(), peer, id, what = std::move(what)]() mutable {
            if (client_core* const there = self->client()) there->acknowledge(peer, id, what);
        });
    } catch (const std::bad_alloc&) {
        return;
    }
}

void client_home::refuse(std::uint64_t peer, std::optional<std::uint64_t> id,
                         const error& why) noexcept {
    try {
        if (client_core* const there = client()) {
            there->loop().log(log_level::warning, "socketio", why.message());
        }
        if (id) acknowledge(peer, *id, encode_error(why));
    } catch (const std::bad_alloc&) {
        return;
    }
}

void client_home::failed(std::uint64_t peer, std::optional<std::uint64_t> id,
                         std::exception_ptr thrown, std::string_view event) noexcept {
    try {
        if (!here()) {
            post([self = shared_from_this(), peer, id, thrown = std::move(thrown),
                  event = std::string(event)] { self->failed(peer, id, thrown, event); });
            return;
        }
        if (client_core* const there = client())
            there->guarded([&] { std::rethrow_exception(thrown); }, "a handler", event);
        if (id) acknowledge(peer, *id, encode_error({errc::handler_failed, "internal error"}));
    } catch (const std::bad_alloc&) {
        return;
    }
}

// ---- The client ----

client_core::client_core(loop_ref loop, client_options wanted, tls_client_options tls)
    : options_(std::move(wanted)),
      context_(loop, std::move(tls)),
      anchor_(loop.owner(), this),
      home_(std::make_shared<client_home>(loop, anchor_.handle())),
      limits_{options_.max_attachments, std::string_view::npos, options_.max_message,
              std::string_view::npos, lookalikes::data},
      timer_([this] { on_timer(); }) {
    if (auto path = engineio::path_of(options_.url); !path.empty()) {
        url_namespace_ = std::move(path);
    }
}

client_core::~client_core() = default;

void client_core::run_guarded(function_ref<void()> what, std::string_view callback,
                              std::string_view event, std::string_view nsp) noexcept {
    net::loop_core* const here = home_->loop().core();
    if (here == nullptr) return;
    user_boundary users("socketio", here->options().log, here->metrics().handler_exceptions,
                        here->callbacks());
    users.call(what, [&] { return user_place{.callback = callback, .event = event, .nsp = nsp}; });
}

template <class F>
void client_core::each_namespace(F use) {
    const std::size_t count = namespaces_.size();
    for (std::size_t i = 0; i < count; ++i) use(*namespaces_[i]);
}

void client_core::start() {
    if (!options_.auto_connect) return;
    soon([this, serial = serial_] {
        if (serial != serial_ || state_ != state::closed || stopped_) return;
        begin([this] { return open(); });
    });
}

client_socket& client_core::of(std::string_view nsp) {
    std::string name(nsp);
    if (name.empty() || name.front() != '/') name.insert(0, "/");
    auto& slot = sockets_[name];
    if (slot == nullptr) {
        slot.reset(new client_socket(
            std::make_unique<client_namespace>(*this, std::move(name), namespaces_.size())));
        slot->namespace_->face = slot.get();
        namespaces_.push_back(slot->namespace_.get());
        if (const owner_scope own(owner()); own && options_.auto_connect) {
            if (auto begun = slot->namespace_->connect(); !begun) {
                soon([this, why = begun.error()] { attempt_failed(why); });
            }
        }
    }
    return *slot;
}

void client_core::acknowledge(std::uint64_t peer, std::uint64_t id, const encoded_arguments& what) {
    client_namespace& asked = *namespaces_[peer >> 32U];
    if (asked.peer_key() == peer) asked.acknowledge(id, what);
}

// ---- Making the connection ----

result<void> client_core::connect() {
    if (home_->loop().ended()) return weft::errc::shutting_down;
    const owner_scope own(owner());
    if (!own) return weft::errc::wrong_thread;
    stopped_ = false;
    result<void> begun;
    if (state_ == state::closed) begun = attempt();
    if (begun) {
        each_namespace([&](client_namespace& one) {
            if (begun && !one.active()) begun = one.connect();
        });
    }
    return begun;
}

result<void> client_core::open() {
    stopped_ = false;
    if (state_ != state::closed || reconnecting_) return {};
    return attempt();
}

engineio::client_options client_core::engine_options() const {
    engineio::client_options engine;
    engine.url = options_.url;
    engine.path = options_.path;
    engine.add_trailing_slash = options_.add_trailing_slash;
    engine.query = options_.query;
    for (const auto& [name, value] : options_.extra_headers) {
        engine.headers.push_back({name, value});
    }
    engine.transports = options_.transports;
    if (prefers_websocket_) {
        const auto found = std::find(engine.transports.begin(), engine.transports.end(),
                                     engineio::transport_kind::websocket);
        std::rotate(engine.transports.begin(), found, engine.transports.end());
    }
    engine.upgrade = options_.upgrade;
    engine.try_all_transports = options_.try_all_transports;
    engine.proxy = options_.proxy;
    engine.with_credentials = options_.with_credentials;
    engine.timeout = options_.timeout;
    engine.request_timeout = options_.request_timeout;
    engine.per_message_deflate = options_.per_message_deflate;
    engine.max_message = options_.max_message;
    engine.max_queue = options_.max_queue;
    return engine;
}

result<void> client_core::attempt() {
    if (auto checked = options_.check(); !checked) return checked;
    drop_engine(false);
    ++serial_;
    engineio::client_user& user = *this;
    assembler_.emplace(limits_, protocol_version::v4, assembling_);
    engine_ = std::make_unique<engineio::client_session>(loop(), context_, engine_options(), user);
    if (auto begun = engine_->open(); !begun) {
        engine_.reset();
        return begun;
    }
    state_ = state::opening;
    loop().arm(timer_, weft::later(loop().now(), options_.timeout));
    return {};
}

/// An attempt takes too long, or a pause is over.
void client_core::on_timer() {
    const auto alive = shared_from_this();
    if (left_) return;
    if (state_ == state::opening) {
        within_memory([&] { attempt_failed({weft::errc::timed_out, "timeout"}); });
    } else if (state_ == state::closed && reconnecting_) {
        retry();
    }
}

/// The engine goes. In order: what it was given is still brought to the server, within a limit.
void client_core::drop_engine(bool in_order) noexcept {
    if (engine_ == nullptr) return;
    engine_->forget_user();
    if (const owner_scope own(owner()); own && in_order) {
        try {
            engine_->close();
            loop().after(close_grace, [last = std::move(engine_)] {});
        } catch (const std::bad_alloc&) {  // it ends at once
        }
    }
    engine_.reset();
}

void client_core::on_open() {
    const auto alive = shared_from_this();
    state_ = state::open;
    ++serial_;
    timer_.cancel();
    opened_at_ = loop().now();
    const unsigned attempt = attempts_;
    const bool again = std::exchange(reconnecting_, false);
    within_memory([&] {
        each_namespace([](client_namespace& one) { one.engine_opened(); });
        if (again) tell("on_reconnect", on.reconnect, attempt);
    });
}

// ---- While it is open ----

bool client_core::connected() const noexcept {
    return state_ == state::open;
}

send_status client_core::send(const std::string& text, const std::vector<message>& attachments,
                              const emit_flags& flags) {
    if (engine_ == nullptr) return send_status::closed;
    // What may be dropped was, before: a part of a packet must not be.
    const message_options how{.uncompressed = flags.uncompressed};
    if (options_.parser == packet_parser::msgpack) {
        const packet_result parsed = parse_packet(text, no_limits, protocol_version::v4);
        if (!parsed) return send_status::dropped;
        std::vector<byte_view> bytes;
        bytes.reserve(attachments.size());
        for (const message& one : attachments) bytes.push_back(one.bytes());
        std::string packed;
        append_msgpack_packet(packed, parsed.packet, bytes);
        const message whole = message::binary(as_bytes(packed), how);
        return engine_->send({&whole, 1});
    }
    std::vector<message> group{message::text('4' + text, how)};
    for (const message& one : attachments) group.push_back(message::binary(one.bytes(), how));
    for (const message& one : group) {
        if (!one) throw std::bad_alloc();  // as if it were one that the vector needed
    }
    return engine_->send(group);
}

void client_core::on_message(message_view what) {
    const auto alive = shared_from_this();
    within_memory([&] {
        if (options_.parser == packet_parser::msgpack) return on_msgpack(what);
        const packet_event event =
            what.is_text() ? assembler_->text(what.text()) : assembler_->binary(what.bytes());
        if (event == packet_event::failed) return broke_protocol(assembler_->error());
        if (event == packet_event::packet) {
            dispatch(assembler_->packet(), assembler_->attachments());
        }
    });
}

void client_core::on_msgpack(message_view what) {
    if (what.is_text()) return broke_protocol(errc::unexpected_text);
    std::string text;
    std::vector<byte_view> attachments;
    const errc bad = msgpack_to_text(what.bytes(), limits_, text, attachments);
    if (bad != errc{}) return broke_protocol(bad);
    const packet_result parsed = parse_packet(text, limits_, protocol_version::v4);
    if (!parsed) return broke_protocol(parsed.error);
    dispatch(parsed.packet, attachments);
}

void client_core::on_ping() {
    const auto alive = shared_from_this();
    tell("on_ping", on.ping);
}

void client_core::on_upgrade() {
    const auto alive = shared_from_this();
    prefers_websocket_ = options_.remember_upgrade;
    tell("on_upgrade", on.upgrade, to_string(engineio::transport_kind::websocket));
}

void client_core::dispatch(const packet_view& packet, std::span<const byte_view> attachments) {
    const auto found = sockets_.find(packet.nsp);
    if (found != sockets_.end()) found->second->namespace_->take(packet, attachments);
}

void client_core::broke_protocol(const error& why) {
    tell("on_error", on.error, why);
    lost(client_disconnect_reason::parse_error, why);
}

// ---- Losing the connection ----

void client_core::on_close(engineio::close_cause cause, const error& why,
                           const http::client_response* response) {
    const auto alive = shared_from_this();
    if (state_ == state::opening) return attempt_failed(why, response);
    lost(reason_of(cause), why);
}

void client_core::within_memory(function_ref<void()> step) noexcept {
    const std::uint64_t serial = serial_;
    try {
        return step();
    } catch (const std::bad_alloc&) {
        if (serial != serial_) return;  // it has been given up, or made anew
    }
    const error why(std::make_error_code(std::errc::not_enough_memory));
    if (state_ == state::opening) return attempt_failed(why);
    lost(client_disconnect_reason::transport_error, why);
}

void client_core::lost(client_disconnect_reason reason, const error& why) noexcept {
    if (state_ != state::open) return;
    const error kept =
        explained(why.code(), why.what());  // the engine goes, and with it the reference
    state_ = state::closed;
    ++serial_;
    // One that ends at once is no success: else such a server would be asked forever.
    if (loop().now() - opened_at_ >= options_.reconnection_stable_after) attempts_ = 0;
    engine_.reset();
    each_namespace([&](client_namespace& one) { one.engine_lost(reason, kept); });
    if (state_ == state::closed && !reconnecting_) plan_reconnect();
}

void client_core::attempt_failed(const error& why, const http::client_response* response) noexcept {
    const error kept = explained(why.code(), why.what());
    const duration told = http::told_to_wait(response);
    prefers_websocket_ = false;
    state_ = state::closed;
    ++serial_;
    engine_.reset();
    const bool again = std::exchange(reconnecting_, false);
    const std::uint64_t serial = serial_;
    tell("on_error", on.error, kept);
    each_namespace([&](client_namespace& one) {
        if (one.active() && !one.connected()) one.attempt_failed(kept, response);
    });
    if (serial != serial_) return;                            // a handler has begun anew
    if (kept.code() == weft::errc::invalid_argument) return;  // it would not become better
    plan_reconnect(told);
    if (again) tell("on_reconnect_error", on.reconnect_error, kept);
}

void client_core::plan_reconnect(duration told) noexcept {
    if (!options_.reconnection || stopped_ || left_) return;
    if (options_.reconnection_attempts && attempts_ >= *options_.reconnection_attempts) {
        attempts_ = 0;
        tell("on_reconnect_failed", on.reconnect_failed);
        return;
    }
    // The pause of our own comes on top, so that those who were told the same do not come at once.
    const duration pause =
        told + reconnection_pause(options_, attempts_, random_.next_u32().value_or(0));
    ++attempts_;
    reconnecting_ = true;
    ++serial_;
    loop().arm(timer_, weft::later(loop().now(), pause));
}

void client_core::retry() noexcept {
    const std::uint64_t serial = serial_;
    tell("on_reconnect_attempt", on.reconnect_attempt, attempts_);
    if (serial != serial_ || left_) return;
    begin([this] { return attempt(); });
}

void client_core::begin(function_ref<result<void>()> how) noexcept {
    try {
        if (const auto begun = how(); !begun) attempt_failed(begun.error());
    } catch (const std::bad_alloc&) {
        attempt_failed(error(std::make_error_code(std::errc::not_enough_memory)));
    }
}

void client_core::stop_reconnecting() noexcept {
    stopped_ = true;
    reconnecting_ = false;
    attempts_ = 0;
    ++serial_;
    timer_.cancel();
}

void client_core::close_if_unused() {
    for (const client_namespace* one : namespaces_) {
        if (one->active()) return;
    }
    stop_reconnecting();
    state_ = state::closed;
    drop_engine(true);
}

void client_core::disconnect() {
    const owner_scope own(owner());
    if (!own) return;
    each_namespace([](client_namespace& one) { one.disconnect(); });
    close_if_unused();
}

void client_core::leave() noexcept {
    const owner_scope own(owner());  // also of a loop that nobody runs yet, or any more
    left_ = true;
    anchor_.set(nullptr);
    run_guarded([&] { disconnect(); }, "the client's end");
}

}  // namespace weft::socketio::detail
