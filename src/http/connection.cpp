// Reading requests and running handlers. Bytes are parsed where they lie; only what must wait is
// copied: a head or body that is not whole, and what follows a request that is not answered yet.
// Requests are answered strictly in order, since the next one is not even parsed before the reply
// to this one is complete. Whatever is wrong with a request ends the connection after one answer,
// and nothing behind it is ever parsed.

#include "http/connection.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "http/exchange.hpp"
#include "http/proto/head_writer.hpp"
#include "http/proto/target.hpp"
#include "http/router_tree.hpp"
#include "net/loop_core.hpp"

namespace weft::http {
namespace {

constexpr std::size_t padding = 64;  // what on_data promises behind the bytes it gets
// A client whose first request takes longer counts as a handshake in flight. Those who send it at
// once are never counted, so that a burst of them is welcome.
constexpr duration promptness = std::chrono::seconds(1);

byte_span writable(std::string& bytes) noexcept {
    return {reinterpret_cast<std::byte*>(bytes.data()), bytes.size()};
}

}  // namespace

connection::connection(service& owner, net::byte_stream& stream) noexcept
    : service_(owner), stream_(stream), accepted_(now()) {
    next = &owner.connections_;
    previous = owner.connections_.previous;
    previous->next = next->previous = this;
    service_.metrics_.connections.add();
    arm(accepted_ + std::min(promptness, service_.options_.head_timeout));
}

connection::~connection() {
    first_head_came();
    unlink();
}

// ---- What the stream tells ----

void connection::on_data(byte_span data) noexcept {
    within_memory([&] {
        if (holds_bytes()) {
            hold(data);
        } else {
            consume(data);
        }
    });
}

void connection::on_drained() noexcept {
    within_memory([&] {
        if (phase_ == phase::streaming) return tell_drained();
        if (phase_ == phase::pumping) return pump();
        if (phase_ != phase::choked) return;
        phase_ = phase::idle;
        consume_held();
    });
}

// A peer that has ended its side while it waits for a deferred answer has almost always gone; one
// that waits for the rest of a file may have closed one direction only.
void connection::on_end(net::byte_stream&) noexcept {
    if (phase_ == phase::pumping) {
        keep_alive_ = false;
        return;
    }
    tell_gone();
    end();
}

// The same, behind requests that it has sent on before.
void connection::on_end_ahead() noexcept {
    end_ahead_ = true;
    if (is_lent()) on_end(stream_);
}

void connection::on_deadline() noexcept {
    within_memory([&] {
        if (!std::exchange(waking_, false)) return deadline_passed();
        if (phase_ == phase::pumping) return pump();
        if (phase_ == phase::moving) return finish_move();
        consume_held();
    });
}

void connection::deadline_passed() {
    switch (phase_) {
        case phase::idle:
            if (first_) return first_head_is_late();
            service_.report(errc::idle, {});
            return end();
        case phase::head:
            if (first_) return first_head_is_late();
            return drop(errc::head_too_slow);
        case phase::body: return check_body_rate();
        case phase::waiting:
        case phase::upgrading: tell_gone(); return refuse(errc::reply_too_slow);
        default: return;
    }
}

void connection::first_head_is_late() {
    const time_point due = accepted_ + service_.options_.head_timeout;
    if (now() >= due) return drop(errc::head_too_slow);
    late_ = true;
    service_.metrics_.late.add();
    if (service_.gate_ != nullptr) {
        use_exchange().late_place =
            service_.gate_->enter(stream_.peer().address(), net::handshake_gate::kind::late);
    }
    arm(due);
}

/// Or the connection went without one.
void connection::first_head_came() noexcept {
    first_ = false;
    if (!std::exchange(late_, false)) return;
    service_.metrics_.late.sub();
    if (exchange_ != nullptr) exchange_->late_place = {};
}

void connection::on_closed(std::error_code why) noexcept {
    phase_ = phase::ended;
    first_head_came();
    tell_gone();
    if (exchange_ != nullptr && exchange_->next != nullptr) exchange_->next->on_closed(why);
    unlink();
}

// ---- Reading ----

void connection::consume(byte_span rest) {
    while (!rest.empty()) {
        // Replies pile up: first the peer takes them, then its further requests are looked at.
        if (phase_ == phase::idle && stream_.queued() > net::byte_stream::high_water) {
            phase_ = phase::choked;
        }
        switch (phase_) {
            case phase::idle:
            case phase::head: rest = take_head(rest); break;
            case phase::body: rest = take_body(rest); break;
            case phase::switching: return finish_switch(rest);
            case phase::ended: return;
            default: return hold(rest);
        }
    }
    if (phase_ == phase::switching) finish_switch({});
}

/// Goes on with what had to wait.
void connection::consume_held() {
    std::string held;
    if (exchange_ != nullptr) held.swap(exchange_->held);
    if (phase_ == phase::switching) return finish_switch(writable(held));
    arm(now() + service_.options_.idle_timeout);
    consume(writable(held));
    if (end_ahead_ && is_lent()) return on_end(stream_);
    if (!holds_bytes() && phase_ <= phase::body) unpause();
}

byte_span connection::take_head(byte_span rest) {
    if (phase_ == phase::idle) {
        const options& o = service_.options_;
        head_parser parser(message_kind::request,
                           {o.max_request_line, o.max_header_line, o.max_head, o.max_headers});
        const auto status = parser.parse(as_text(rest));
        if (status == parse_status::complete) {
            return accept_head(parser, rest.first(parser.size()), rest.subspan(parser.size()));
        }
        if (status == parse_status::failed) {
            refuse(parser.error());
            return {};
        }
        keep_head(parser, rest);
        phase_ = phase::head;
        if (!first_) arm(now() + o.head_timeout);
        return {};
    }
    exchange& x = *exchange_;
    // The parser never needs more than a whole head: nothing beyond it is kept.
    const std::size_t before = x.head.size();
    x.head.append(as_text(rest.first(std::min(rest.size(), service_.options_.max_head - before))));
    x.recount();
    const auto status = x.parser->parse(x.head);
    if (status == parse_status::failed) refuse(x.parser->error());
    if (status != parse_status::complete) return {};
    x.head.resize(x.parser->size());
    return accept_head(*x.parser, writable(x.head), rest.subspan(x.head.size() - before));
}

byte_span connection::accept_head(const head_parser& parser, byte_span bytes, byte_span rest) {
    const message_head& head = parser.head();
    first_head_came();
    service_.metrics_.requests.add();
    keep_alive_ = head.keep_alive();
    old_version_ = head.minor_version() == 0;
    is_head_ = head.method() == method::head;
    if (const errc e = check_head(head); e != errc::none) {
        refuse(e);
        return {};
    }
    request req(head, stream_);
    if (!locate(req)) {
        refuse(errc::bad_target);
        return {};
    }
    const router::match found = service_.routes_.find(req);
    if (try_move(req, found, bytes, rest)) return {};
    if (head.framing() == body_framing::none) {
        dispatch(req, found);
        return rest;
    }
    if (found.upgrades) {
        refuse(errc::upgrade_with_body);
        return {};
    }
    if (found.chosen == nullptr) {
        keep_alive_ = false;  // nobody is going to read the body
        dispatch(req, found);
        return {};
    }
    const std::uint64_t limit = found.chosen->options.max_body.value_or(service_.options_.max_body);
    const std::uint64_t length = head.content_length();
    if (length > limit) {
        refuse(errc::body_too_large);
        return {};
    }
    if (head.framing() == body_framing::length && length <= rest.size()) {
        const auto size = static_cast<std::size_t>(length);
        req.body_ = rest.first(size);
        dispatch(req, found);
        return rest.subspan(size);
    }
    return begin_body(parser, bytes, rest, limit);
}

errc connection::check_head(const message_head& head) const noexcept {
    if (!service_.host_allowed(head.header("host"))) return errc::misdirected;
    const std::string_view expected = head.header("expect");
    if (!expected.empty() && !same_token(expected, "100-continue"))
        return errc::unknown_expectation;
    return errc::none;
}

/// Gives the request its path and query; false when the path is ambiguous.
bool connection::locate(request& req) const noexcept {
    const auto parts = split_target(req.target(), req.method());
    if (!parts) return false;
    req.query_ = parts->query;
    req.path_ = parts->path;
    if (parts->path == "*") return true;
    const auto decoded = decode_path(parts->path, service_.path_memory());
    req.path_ = decoded.value_or(std::string_view{});
    return decoded.has_value();
}

/// Copies a head that has to outlive the call.
void connection::keep_head(const head_parser& parser, byte_span bytes) {
    exchange& x = use_exchange();
    x.parser = parser;
    x.head.assign(as_text(bytes));
    x.recount();
    x.parser->head().rebase(x.head.data());
}

byte_span connection::begin_body(const head_parser& parser, byte_span bytes, byte_span rest,
                                 std::uint64_t limit) {
    if (phase_ == phase::idle) keep_head(parser, bytes);
    exchange& x = *exchange_;
    const message_head& head = x.parser->head();
    x.body_left = head.content_length();
    if (head.framing() == body_framing::chunked) x.chunks.emplace(chunked_limits{limit});
    x.body_began = x.body_last = now();
    phase_ = phase::body;
    arm(x.body_began + service_.options_.body_grace);
    if (rest.empty() && !old_version_ && head.header_count("expect") > 0) {
        stream_.write(as_bytes("HTTP/1.1 100 Continue\r\n\r\n"));
    }
    return rest;
}

byte_span connection::take_body(byte_span rest) {
    exchange& x = *exchange_;
    x.body_last = now();
    if (x.chunks) {
        if (!take_chunks(rest)) return {};
    } else {
        const auto size =
            static_cast<std::size_t>(std::min<std::uint64_t>(x.body_left, rest.size()));
        if (!keep_body(as_text(rest.first(size)))) return {};
        x.body_left -= size;
        x.body_received += size;
        rest = rest.subspan(size);
        if (x.body_left > 0) return {};
    }
    request req(x.parser->head(), stream_);
    if (!locate(req)) return {};  // it was located before: cannot fail
    req.body_ = as_bytes(x.body);
    dispatch(req, service_.routes_.find(req));
    return rest;
}

/// True when the last chunk was read; `rest` is then what follows it.
bool connection::take_chunks(byte_span& rest) {
    exchange& x = *exchange_;
    while (!rest.empty()) {
        const auto step = x.chunks->feed(as_text(rest));
        if (!keep_body(step.data)) return false;
        x.body_received += step.consumed;
        rest = rest.subspan(step.consumed);
        if (step.status == parse_status::failed) refuse(x.chunks->error());
        if (step.status != parse_status::incomplete) return step.status == parse_status::complete;
    }
    return false;
}

/// False when the process has no memory for more; that was answered.
bool connection::keep_body(std::string_view bytes) {
    exchange& x = *exchange_;
    const bool room = x.charge.try_add(bytes.size());
    if (room) x.body.append(bytes);
    if (!room) refuse(errc::out_of_memory);
    return room;
}

/// At most one read's worth is ever held: reading is paused from then on.
void connection::hold(byte_span rest) {
    if (phase_ == phase::ended) return;
    std::string& held = use_exchange().held;
    held.reserve(held.size() + rest.size() + padding);
    held.append(as_text(rest));
    exchange_->recount();
    pause();
}

bool connection::holds_bytes() const noexcept {
    return exchange_ != nullptr && !exchange_->held.empty();
}

// The moment until which what has come is enough moves with each byte that comes; a fast beginning
// does not buy a long silence.
void connection::check_body_rate() {
    const options& o = service_.options_;
    const exchange& x = *exchange_;
    const auto earned =
        std::chrono::seconds(x.body_received / std::max<std::uint64_t>(o.min_body_rate, 1));
    const time_point due =
        std::min(x.body_began + o.body_grace + earned, x.body_last + o.body_grace);
    if (now() < due) return arm(due);
    refuse(errc::body_too_slow);
}

// ---- Moving to another loop ----

/// True when the request belongs to another loop: the connection goes there with everything that
/// came, and the request is parsed again. Not from here: the stream is in the midst of reading.
bool connection::try_move(const request& req, router::match found, byte_span head, byte_span rest) {
    if (found.where == nullptr || !found.where->place || !service_.transfer_) return false;
    std::optional<std::uint8_t> to;
    if (!guarded([&] { to = found.where->place(req); }) || !to) return false;
    if (*to == stream_.owner().index()) return false;
    service_.metrics_.requests.sub();  // it counts where it is answered
    std::string bytes(as_text(head));
    bytes.append(as_text(rest));
    exchange& x = use_exchange();
    x.held = std::move(bytes);
    x.recount();
    x.to = *to;
    phase_ = phase::moving;
    pause();
    wake_soon();
    return true;
}

void connection::finish_move() {
    net::moved_stream moved = stream_.leave();
    phase_ = phase::ended;
    moved.unread = std::move(exchange_->held);
    unlink();
    service_.transfer_(exchange_->to, std::move(moved));
}

// ---- Handling ----

void connection::dispatch(const request& req, router::match found) {
    if (found.upgrades) {
        run_upgrade(req, *found.where);
    } else if (found.chosen != nullptr) {
        run_route(req, *found.chosen);
    } else if (found.where != nullptr) {
        answer(response::plain_error(405).header("Allow", found.where->allow));
    } else {
        answer(response::plain_error(404));
    }
}

void connection::run_route(const request& req, router::route& chosen) {
    if (chosen.plain) {
        std::optional<response> reply;
        if (guarded([&] { reply.emplace(chosen.plain(req)); })) return answer(std::move(*reply));
        return answer(response::plain_error(500).close());
    }
    phase_ = phase::waiting;
    auto handle = use_exchange().handle.lend_responder(*this);
    const bool returned = guarded([&] { chosen.deferred(req, std::move(handle)); });
    if (phase_ == phase::waiting && !returned) return answer(response::plain_error(500).close());
    if (phase_ == phase::waiting) arm(now() + service_.options_.reply_timeout);
    if (phase_ == phase::replied) next_request();
}

void connection::run_upgrade(const request& req, router::endpoint& where) {
    keep_alive_ = false;  // whatever is answered instead of an upgrade ends the connection
    if (service_.draining_) return answer(response::plain_error(503));
    phase_ = phase::upgrading;
    auto handle = use_exchange().handle.lend_upgrade(*this);
    const bool returned = guarded([&] { where.upgrade(req, std::move(handle)); });
    if (phase_ != phase::upgrading) return;
    if (!returned) return answer(response::plain_error(500));
    arm(now() + service_.options_.reply_timeout);
    pause();
}

/// The answer is the user's business, and may take its time.
bool connection::is_lent() const noexcept {
    return phase_ == phase::waiting || phase_ == phase::streaming || phase_ == phase::upgrading;
}

void connection::switch_to(header_lines headers, std::unique_ptr<net::stream_handler> protocol) {
    const std::string_view lines = headers.text();
    std::string memory(lines.size() + 128, '\0');
    head_writer w(memory);
    w.status_line(101);
    w.field("Connection", "Upgrade");
    w.lines(lines);
    if (const auto head = w.finish()) stream_.write(as_bytes(*head));
    exchange_->next = std::move(protocol);
    exchange_->handle.take_back();
    phase_ = phase::switching;
    if (!in_handler_) wake_soon();
}

// From set_handler on this object is only waiting for the end of the iteration to be freed.
void connection::finish_switch(byte_span unread) noexcept {
    auto successor = std::move(exchange_->next);
    net::stream_handler& protocol = *successor;
    exchange_.reset();
    phase_ = phase::ended;
    service_.metrics_.upgrades.add();
    unlink();
    stream_.clear_deadline();
    unpause();
    stream_.set_handler(std::move(successor));
    protocol.on_open();
    if (!unread.empty()) protocol.on_data(unread);
}

}  // namespace weft::http
