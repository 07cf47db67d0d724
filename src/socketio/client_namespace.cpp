// A client's end of one namespace. Invariant: no handler runs inside of a call that the user makes;
// what such a call leads to (a disconnection, an answer that will not come) is told in a later turn
// of the loop.
//
// An event without an acknowledgement may carry the offset that recovery needs, as one more string
// behind its arguments. It is taken off before anybody reads the arguments, if it looks like one.

#include "socketio/client_namespace.hpp"

#include <algorithm>

#include <weft/base/json_reader.hpp>
#include <weft/base/json_writer.hpp>

#include "base/explained.hpp"
#include "socketio/error_answer.hpp"

namespace weft::socketio::detail {
namespace {

constexpr std::size_t packet_overhead = 128;
constexpr std::size_t max_id = 256;  // what a server calls a socket or a session

/// Whether a text is what servers know as the place of an event:
/// - `1795343544322-0`, a time in milliseconds and a number: Redis streams, and Weft;
/// - `Q82xtA4` or `Q82xtA4.1`, that time in seven digits of base 64: Node's own adapter. The first
///   digit is one of P to Z from 2024 to 2048, which words in small letters do not begin with;
/// - 24 hexadecimal digits: MongoDB.
bool looks_like_offset(std::string_view text) noexcept {
    constexpr std::string_view hexadecimal = "0123456789abcdef";
    constexpr std::string_view base64 =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";
    const auto only = [](std::string_view part, std::string_view digits) {
        return !part.empty() && part.find_first_not_of(digits) == std::string_view::npos;
    };
    const auto number = [&](std::string_view part) {
        return part.size() <= 20 && only(part, hexadecimal.substr(0, 10));
    };
    if (text.size() == 24 && only(text, hexadecimal)) return true;
    if (text.size() > 13 && text[13] == '-') {
        return number(text.substr(0, 13)) && number(text.substr(14));
    }
    if (text.size() < 7 || text.front() < 'P' || text.front() > 'Z') return false;
    return only(text.substr(0, 7), base64) &&
           (text.size() == 7 || (text[7] == '.' && number(text.substr(8))));
}

/// Takes the last argument off when it is a text that could be an offset, and gives it.
std::string take_offset(std::string_view& arguments) {
    if (arguments.empty() || arguments.back() != '"') return {};
    json_reader json(arguments);
    std::size_t before = 0;  // where the argument in front of the last one ends
    std::string_view last;
    std::size_t end = 0;
    while (json.next_in_sequence()) {
        before = end;
        json.raw(last);
        end = json.position();
    }
    if (last.size() < 2 || last.front() != '"' ||
        !looks_like_offset(last.substr(1, last.size() - 2)))
        return {};
    arguments = arguments.substr(0, before);
    return std::string(last.substr(1, last.size() - 2));
}

/// The text of an event's name, which is a string or a number.
std::string_view name_of(std::string_view event, std::string& scratch) {
    if (event.empty() || event.front() != '"') return event;
    json_reader json(event);
    std::string_view name;
    json.read(name, scratch);
    return name;
}

}  // namespace

client_namespace::client_namespace(client_core& core, std::string name, std::uint64_t index)
    : core_(core),
      name_(std::move(name)),
      index_(index),
      departure_([this] {
          const auto alive = core_.shared_from_this();
          tell_departure();
      }),
      expiry_([this] { expire_soon(); }) {}

// ---- What the user asks for ----

result<void> client_namespace::connect() {
    if (active_) return {};
    active_ = true;
    try {
        auto begun = core_.open();
        if (!begun) {
            active_ = false;
        } else if (core_.connected() && !asked_) {
            begun = send_connect();
            active_ = static_cast<bool>(begun);
        }
        return begun;
    } catch (...) {
        active_ = false;
        throw;
    }
}

void client_namespace::disconnect() {
    if (!active_) return;
    if (connected_) {
        std::string text;
        append_disconnect(text, name_);
        core_.send(text, {}, {});
    }
    active_ = false;
    const bool was_connected = connected_;
    left_ = left_ || was_connected || asked_;
    given_up_ = asked_;
    departed_.merge(forget_connection());
    core_.close_if_unused();
    if (!was_connected) return;
    try {
        core_.soon([this] { tell_departure(); });
    } catch (const std::bad_alloc&) {
        core_.loop().arm(departure_, core_.loop().now());
    }
}

void client_namespace::tell_departure() noexcept {
    tell_disconnected(
        client_disconnect_reason::io_client_disconnect,
        explained(make_error_code(weft::errc::closed_locally), "disconnect was called"),
        std::exchange(departed_, {}));
}

send_status client_namespace::emit(std::string_view event, const encoded_arguments& args,
                                   const emit_flags& flags) {
    if (refusal_of(event) != errc{}) return send_status::misuse;
    if (core_.options().retries && !flags.droppable) return enqueue(event, args, flags, {});
    return send_event(event, {}, args, flags);
}

void client_namespace::emit_awaiting(std::string_view event, const encoded_arguments& args,
                                     const emit_flags& flags, ack_callback on_ack) {
    if (const errc why = refusal_of(event); why != errc{})
        return core_.soon([on_ack = std::move(on_ack), why]() mutable { on_ack(error(why)); });
    if (core_.options().retries && !flags.droppable) {
        enqueue(event, args, flags, std::move(on_ack));
    } else {
        ask(event, args, flags, std::move(on_ack));
    }
}

send_status client_namespace::ask(std::string_view event, const encoded_arguments& args,
                                  const emit_flags& flags, ack_callback on_ack) {
    if (acks_.size() >= core_.options().max_pending_acks) {
        not_sent(std::move(on_ack), "max_pending_acks");
        return send_status::dropped;
    }
    const std::uint64_t id = next_id_++;
    std::optional<time_point> deadline;
    const auto limit = flags.timeout != duration::zero() ? std::optional(flags.timeout)
                                                         : core_.options().ack_timeout;
    if (limit) deadline = later(core_.loop().now(), *limit);
    const auto waits = acks_.emplace(id, pending{std::move(on_ack), deadline}).first;
    send_status status{};
    try {
        status = send_event(event, id, args, flags);
    } catch (...) {  // whoever asked sees it, and is told nothing else
        acks_.erase(waits);
        throw;
    }
    if (status == send_status::sent || status == send_status::queued) {
        if (deadline) arm_expiry(*deadline);
        return status;
    }
    not_sent(id);
    return status;
}

/// The answer to what could not be sent will not come.
void client_namespace::not_sent(std::uint64_t id) {
    if (auto found = acks_.extract(id)) not_sent(std::move(found.mapped().told), "max_queue");
}

void client_namespace::not_sent(ack_callback told, std::string_view why) {
    core_.soon([this, told = std::move(told), why]() mutable {
        tell(std::move(told),
             error(weft::errc::limit_exceeded, "the event was not sent: " + std::string(why)));
    });
}

send_status client_namespace::send_event(std::string_view event, std::optional<std::uint64_t> id,
                                         const encoded_arguments& args, const emit_flags& flags) {
    if (flags.droppable && (!connected_ || core_.behind())) return send_status::dropped;
    outgoing packet{{}, args.attachments, id, flags};
    append_event(packet.text, name_, id, event, args.json, args.attachments.size());
    return send_or_wait(std::move(packet));
}

send_status client_namespace::send_or_wait(outgoing packet) {
    if (connected_) return send_now(packet);
    packet.size = packet.text.size() + packet_overhead;
    for (const message& one : packet.attachments) packet.size += one.size() + packet_overhead;
    if (!has_room(packet.size)) return send_status::dropped;
    waiting_size_ += packet.size;
    waiting_.push_back(std::move(packet));
    return send_status::queued;
}

bool client_namespace::has_room(std::size_t size) const noexcept {
    const std::size_t most = core_.options().max_queue;
    return size <= most - std::min(most, waiting_size_);
}

send_status client_namespace::send_now(const outgoing& packet) {
    const send_status status = core_.send(packet.text, packet.attachments, packet.flags);
    if (!on.any_outgoing.empty()) core_.soon([this, packet] { tell_outgoing(packet); });
    return status;
}

void client_namespace::tell_outgoing(const outgoing& packet) {
    const packet_result parsed = parse_packet(packet.text, no_limits, protocol_version::v4);
    if (!parsed) return;
    std::vector<byte_view> attachments;
    for (const message& one : packet.attachments) attachments.push_back(one.bytes());
    std::string scratch;
    const std::string_view name = name_of(parsed.packet.event, scratch);
    core_.tell("on_any_outgoing", on.any_outgoing, *face, name,
               raw_arguments{parsed.packet.arguments, attachments});
}

void client_namespace::acknowledge(std::uint64_t id, const encoded_arguments& what) {
    outgoing packet{{}, what.attachments, {}, {}};
    append_ack(packet.text, name_, id, what.json, what.attachments.size());
    if (connected_) core_.send(packet.text, packet.attachments, packet.flags);
}

// ---- One event after the other, until each is acknowledged ----

send_status client_namespace::enqueue(std::string_view event, const encoded_arguments& args,
                                      const emit_flags& flags, ack_callback on_ack) {
    std::size_t size = event.size() + args.json.size() + packet_overhead;
    for (const message& one : args.attachments) size += one.size() + packet_overhead;
    if (!has_room(size)) {
        if (on_ack) not_sent(std::move(on_ack), "max_queue");
        return send_status::dropped;
    }
    waiting_size_ += size;
    queue_.push_back({next_serial_++, std::string(event), args, flags, std::move(on_ack), size});
    try {
        drain_queue(false);
    } catch (...) {
        if (queue_.size() > 1) return send_status::queued;  // it was another that could not be sent
        waiting_size_ -= size;
        queue_.pop_back();
        throw;
    }
    return send_status::queued;
}

void client_namespace::drain_queue(bool again) {
    if (!connected_ || queue_.empty()) return;
    queued& first = queue_.front();
    if (first.under_way && !again) return;
    first.under_way = true;
    ++first.tries;
    try {
        ask(first.event, first.args, first.flags,
            [this, serial = first.serial](const result<raw_arguments>& answer) {
                answered(serial, answer);
            });
    } catch (...) {
        first.under_way = false;
        --first.tries;
        throw;
    }
}

void client_namespace::answered(std::uint64_t serial, const result<raw_arguments>& answer) {
    if (queue_.empty() || queue_.front().serial != serial) return;  // an earlier try's
    queued& first = queue_.front();
    first.under_way = false;
    const auto go_on = [&] { core_.within_memory([this] { drain_queue(false); }); };
    if (!answer && first.tries <= *core_.options().retries) return go_on();
    ack_callback told = std::move(first.told);
    waiting_size_ -= first.size;
    queue_.pop_front();
    go_on();
    if (told) told(answer);
}

// ---- What happens to the connection ----

void client_namespace::engine_opened() {
    left_ = asked_ = given_up_ = false;
    begin_again();
}

void client_namespace::begin_again() {
    if (!active_) return;
    if (const auto sent = send_connect(); !sent) attempt_failed(sent.error(), nullptr);
}

result<void> client_namespace::send_connect() {
    std::string auth;
    core_.guarded([&] { auth = auth_ ? auth_->json() : core_.options().auth.json(); },
                  "the function that makes the auth", {}, name_);
    if (!pid_.empty()) {
        std::string merged;
        json_writer json(merged);
        json.begin_object();
        json.member("pid", pid_);
        json.member("offset", offset_);
        json.end_object();
        if (auth.size() > 2) merged.replace(merged.size() - 1, 1, "," + auth.substr(1));
        auth = std::move(merged);
    }
    std::string text;
    append_connect(text, name_, auth);
    if (core_.send(text, {}, {}) == send_status::dropped)
        return error(weft::errc::limit_exceeded, "max_queue");
    asked_ = true;
    return {};
}

void client_namespace::engine_lost(client_disconnect_reason reason, const error& why) noexcept {
    const bool was_connected = connected_;
    auto unanswered = forget_connection();
    if (was_connected) {
        tell_disconnected(reason, why, std::move(unanswered));
    } else if (active_) {  // it was about to connect
        attempt_failed(why, nullptr);
    }
}

client_namespace::pending_acks client_namespace::forget_connection() noexcept {
    connected_ = false;
    id_.clear();
    held_.clear();
    held_size_ = 0;
    pending_acks unanswered;
    auto waits = waiting_.begin();  // their ids grow, too
    for (auto ack = acks_.begin(); ack != acks_.end();) {
        while (waits != waiting_.end() && (!waits->id || *waits->id < ack->first)) ++waits;
        if (waits != waiting_.end() && waits->id == ack->first) {
            ++ack;
        } else {
            unanswered.insert(unanswered.end(), acks_.extract(ack++));
        }
    }
    return unanswered;
}

void client_namespace::tell_disconnected(client_disconnect_reason reason, const error& why,
                                         pending_acks unanswered) noexcept {
    core_.tell("on_disconnect", on.disconnect, *face, client_disconnect{reason, why});
    const result<raw_arguments> gone =
        explained(make_error_code(weft::errc::closed_by_peer), "the socket has been disconnected");
    for (auto& [id, one] : unanswered) tell(std::move(one.told), gone);
}

void client_namespace::connect_failed(std::string_view message, std::string_view data,
                                      const error& why,
                                      const http::client_response* response) noexcept {
    core_.tell("on_connect_error", on.connect_error, *face,
               connect_error{message, data, why, response});
}

void client_namespace::attempt_failed(const error& why,
                                      const http::client_response* response) noexcept {
    std::string text;
    try {
        text = why.message();
    } catch (const std::bad_alloc&) {
        text.clear();  // it is told without
    }
    connect_failed(text, {}, why, response);
}

void client_namespace::take(const packet_view& packet, std::span<const byte_view> attachments) {
    const bool is_answer =
        packet.type == packet_type::connect || packet.type == packet_type::connect_error;
    if (is_answer && given_up_) return take_late_answer(packet.type);
    if (!active_) return;  // it left, and the server does not know yet
    if (is_answer) asked_ = left_ = false;
    if (left_) return;
    switch (packet.type) {
        case packet_type::connect: return take_connect(packet);
        case packet_type::connect_error: return take_connect_error(packet);
        case packet_type::event:
        case packet_type::binary_event: return take_event(packet, attachments);
        case packet_type::ack:
        case packet_type::binary_ack: return take_ack(packet, attachments);
        case packet_type::disconnect: break;
    }
    active_ = false;
    engine_lost(client_disconnect_reason::io_server_disconnect,
                {weft::errc::closed_by_peer, "the server took leave"});
    if (!active_) core_.close_if_unused();
}

/// Only now may a server be told that its client has left, or be asked again: to most, a second
/// CONNECT, or a DISCONNECT before they have answered, breaks the protocol.
void client_namespace::take_late_answer(packet_type answer) {
    asked_ = given_up_ = false;
    if (answer == packet_type::connect) {
        std::string text;
        append_disconnect(text, name_);
        core_.send(text, {}, {});
    }
    begin_again();
}

void client_namespace::take_connect(const packet_view& packet) {
    if (connected_) return;
    std::string pid;
    std::string_view key;
    std::string scratch;
    json_reader json(packet.data);
    if (!packet.data.empty()) {
        json.begin_object();
        while (json.next_key(key, scratch)) {
            if (key == "sid") {
                json.read(id_);
            } else if (key == "pid") {
                json.read(pid);
            } else {
                json.skip();
            }
        }
    }
    if (!json.ok() || id_.empty() || id_.size() > max_id || pid.size() > max_id) {
        id_.clear();
        const error why(errc::bad_payload, "the server does not speak this version of Socket.IO");
        return connect_failed(why.what(), {}, why);
    }
    recovered_ = !pid.empty() && pid == pid_;
    pid_ = std::move(pid);
    connected_ = true;
    ++connection_;
    send_waiting();
    drain_queue(true);
    release_held();
    if (connected_) core_.tell("on_connect", on.connect, *face);
}

void client_namespace::send_waiting() {
    for (const outgoing& one : std::exchange(waiting_, {})) {
        waiting_size_ -= one.size;
        const send_status status = send_now(one);
        if (status == send_status::dropped && one.id) not_sent(*one.id);
    }
}

void client_namespace::take_connect_error(const packet_view& packet) {
    if (connected_) return core_.broke_protocol(errc::unexpected_packet);
    std::string message;
    std::string_view data, key;
    std::string scratch;
    json_reader json(packet.data);
    if (json.peek() == json_kind::object) {
        json.begin_object();
        while (json.next_key(key, scratch)) {
            if (key == "message") {
                json.read(message);
            } else if (key == "data") {
                json.raw(data);
            } else {
                json.skip();
            }
        }
    } else {
        json.read(message);
    }
    active_ = false;
    connect_failed(message, data, error(errc::refused_by_peer, message));
    if (!active_) core_.close_if_unused();
}

// ---- Events and answers ----

void client_namespace::take_event(const packet_view& packet,
                                  std::span<const byte_view> attachments) {
    if (packet.event.empty()) return;
    if (!connected_) return hold_event(packet, attachments);
    dispatch(packet, attachments);
}

void client_namespace::hold_event(const packet_view& packet,
                                  std::span<const byte_view> attachments) {
    incoming kept{packet.id, std::string(packet.event), std::string(packet.arguments), {}};
    std::size_t size = packet.event.size() + packet.arguments.size() + packet_overhead;
    for (const byte_view one : attachments) {
        kept.attachments.emplace_back(as_text(one));
        size += one.size() + packet_overhead;
    }
    const std::size_t most = core_.options().max_queue;
    if (size > most - std::min(most, held_size_)) {
        return core_.broke_protocol({weft::errc::limit_exceeded, "events before the connection"});
    }
    held_size_ += size;
    held_.push_back(std::move(kept));
}

void client_namespace::release_held() {
    held_size_ = 0;
    for (const incoming& kept : std::exchange(held_, {})) {
        if (!connected_) return;
        packet_view packet;
        packet.type = packet_type::event;
        packet.id = kept.id;
        packet.event = kept.event;
        packet.arguments = kept.arguments;
        std::vector<byte_view> attachments;
        for (const std::string& one : kept.attachments) attachments.push_back(as_bytes(one));
        dispatch(packet, attachments);
    }
}

void client_namespace::dispatch(const packet_view& packet, std::span<const byte_view> attachments) {
    std::string_view arguments = packet.arguments;
    if (!pid_.empty() && !packet.id) {
        if (std::string offset = take_offset(arguments); !offset.empty()) {
            offset_ = std::move(offset);
        }
    }
    std::string scratch;
    const std::string_view name = name_of(packet.event, scratch);
    const raw_arguments raw{arguments, attachments};
    core_.tell("on_any", on.any, *face, name, raw);
    if (connected_) handle(name, raw, packet.id);
}

/// Calls the handlers of an event. The first one has the right to acknowledge.
void client_namespace::handle(std::string_view event, const raw_arguments& args,
                              std::optional<std::uint64_t> id) {
    const std::string key(event);
    const auto found = on.events.find(key);
    const bool known = found != on.events.end();
    const auto chosen = known ? found->second : std::shared_ptr<event_handlers>();
    const std::uint64_t peer = peer_key();
    (known ? *chosen : on.unhandled).each([&](auto& handler) {
        core_.guarded(
            [&] {
                handler(*face, event, args, {core_.home(), peer, std::exchange(id, std::nullopt)});
            },
            "a handler", event, name_);
    });
    if (!known || !chosen->empty()) return;
    const auto spent = on.events.find(key);  // by handlers that were for once
    if (spent != on.events.end() && spent->second == chosen) on.events.erase(spent);
}

void client_namespace::add_handler(std::string_view event,
                                   typed_event_handler<client_socket> handler, handler_life life) {
    auto& all = on.events[std::string(event)];
    if (all == nullptr) all = std::make_shared<event_handlers>();
    all->add(std::move(handler), life);
}

void client_namespace::take_ack(const packet_view& packet, std::span<const byte_view> attachments) {
    if (!packet.id) return;
    if (auto found = acks_.extract(*packet.id)) {
        tell(std::move(found.mapped().told), raw_arguments{packet.arguments, attachments});
    }
}

void client_namespace::tell(ack_callback told, const result<raw_arguments>& answer) noexcept {
    core_.guarded([&] { told(answer); }, "the callback of an acknowledgement", {}, name_);
}

void client_namespace::arm_expiry(time_point when) noexcept {
    if (expiry_.armed() && next_expiry_ <= when) return;
    next_expiry_ = when;
    core_.loop().arm(expiry_, when);
}

void client_namespace::expire_soon() noexcept {
    try {
        core_.soon([this] { expire_acks(); });
    } catch (const std::bad_alloc&) {
        arm_expiry(later(core_.loop().now(), std::chrono::milliseconds(100)));
    }
}

void client_namespace::expire_acks() noexcept {
    const time_point now = core_.loop().now();
    const auto is_late = [&](const pending& one) { return one.deadline && *one.deadline <= now; };
    // What was never sent is not sent any more.
    std::erase_if(waiting_, [&](const outgoing& one) {
        const auto asked = one.id ? acks_.find(*one.id) : acks_.end();
        const bool late = asked != acks_.end() && is_late(asked->second);
        if (late) waiting_size_ -= one.size;
        return late;
    });
    const result<raw_arguments> late =
        explained(make_error_code(weft::errc::timed_out), "no acknowledgement");
    const std::uint64_t end = next_id_;  // those whom we tell may ask anew
    for (auto ack = acks_.begin(); ack != acks_.end() && ack->first < end;) {
        const std::uint64_t id = ack->first;
        if (is_late(ack->second)) {
            tell(std::move(acks_.extract(ack).mapped().told), late);
        } else if (ack->second.deadline) {
            arm_expiry(*ack->second.deadline);
        }
        ack = acks_.upper_bound(id);
    }
}

}  // namespace weft::socketio::detail
