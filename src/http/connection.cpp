// Requests of one connection. They are answered strictly in order, since the next one is not even
// parsed before the reply to this one is complete; what has come of it meanwhile is held, one
// read's worth at most. Whatever is wrong with a request ends the connection after one answer, and
// nothing behind it is ever parsed.

#include "http/connection.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "http/exchange.hpp"
#include "net/loop_core.hpp"
#include "net/work.hpp"

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
    : service_(owner), stream_(stream), reader_(owner.reading_), accepted_(now()) {
    put_behind(*owner.connections_.previous);
    service_.metrics_.connections.add();
    service_.loop_.budget().charge(heap_cost_of<connection>);
    arm(later(accepted_, std::min(promptness, service_.options_.head_timeout)));
}

connection::~connection() {
    service_.loop_.budget().release(heap_cost_of<connection>);
    first_request_came();
    unlink();
}

void connection::set_proxy(std::unique_ptr<const peer> proxy) {
    use_exchange().proxy = std::move(proxy);
    exchange_->recount();
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
        if (state_ == state::streaming) return tell_drained();
        if (state_ == state::pumping) return pump();
        if (state_ == state::reading && holds_bytes()) consume_held();
    });
}

void connection::on_turn() noexcept {
    within_memory([&] {
        if (std::exchange(waking_, false)) return go_on();
        if (state_ == state::reading && holds_bytes()) consume_held();
    });
}

// A peer that has ended its side while it waits for a deferred answer has almost always gone; one
// that waits for the rest of a file may have closed one direction only.
void connection::on_end(net::byte_stream&) noexcept {
    if (state_ == state::pumping) return writer_.make_last();
    tell_gone();
    end();
}

// The same, behind requests that it has sent on before.
void connection::on_end_ahead() noexcept {
    end_ahead_ = true;
    if (state_ == state::answering || state_ == state::streaming) on_end(stream_);
}

void connection::go_on() {
    if (state_ == state::pumping) return pump();
    if (state_ == state::leaving && exchange_->next == nullptr) return finish_move();
    consume_held();
}

void connection::on_deadline() noexcept {
    within_memory([&] { deadline_passed(); });
}

/// A reply that goes on and on (an event stream) ends with what its peer was admitted for.
void connection::on_identified() noexcept {
    if (state_ != state::streaming || stream_.peer().who()->expires > now()) return;
    tell_gone();
    end();
}

void connection::on_closed(std::error_code why) noexcept {
    state_ = state::ended;
    first_request_came();
    within_memory([this] { tell_body(service::body_news::cut); });
    tell_gone();
    tell_access(why);
    if (exchange_ != nullptr && exchange_->next != nullptr) exchange_->next->on_closed(why);
    unlink();
}

void connection::tell_facts(net::stream_facts& facts) const noexcept {
    facts.kind = "http";
    facts.since = accepted_;
    if (exchange_ != nullptr && exchange_->access != nullptr)
        facts.path = exchange_->access->path();
}

// ---- Time ----

void connection::deadline_passed() {
    if (state_ == state::answering) {
        tell_gone();
        return refuse(errc::reply_too_slow, {exchange_->handle.route()});
    }
    if (state_ != state::reading || holds_bytes()) return;
    if (first_ != first_request::here) return first_request_is_late();
    if (reader_.in_body()) return check_body_rate();
    if (reader_.in_head()) return drop(errc::head_too_slow);
    if (stream_.queued() > 0)  // the last reply is still on its way; `write_stall` minds it
        return arm(later(now(), service_.options_.idle_timeout));
    service_.report(errc::idle, stream_);
    end();
}

void connection::first_request_is_late() {
    const time_point due = later(accepted_, service_.options_.head_timeout);
    if (now() >= due) return drop(errc::head_too_slow);
    first_ = first_request::late;
    service_.metrics_.late.add();
    const auto network = stream_.peer().address().network();
    if (service_.late_ && network && proxy() == nullptr) {
        exchange& x = use_exchange();
        x.late = std::make_unique<late_place>(*service_.late_, *this);
        x.recount();
        x.late->enter(*network);
    }
    arm(due);
}

/// Or the connection went without one.
void connection::first_request_came() noexcept {
    if (std::exchange(first_, first_request::here) != first_request::late) return;
    service_.metrics_.late.sub();
    if (exchange_ == nullptr || exchange_->late == nullptr) return;
    exchange_->late = nullptr;
    exchange_->recount();
}

/// Too many are late, and this one has been for longest.
void connection::give_way() noexcept {
    if (state_ != state::reading || holds_bytes()) return;  // its request came and waits for a turn
    service_.report(errc::too_many_late, stream_);
    within_memory([&] {
        const error_row& why = row_of(errc::too_many_late);
        auto answer = service_.turn_away(stream_, {why.status, why.text});
        if (answer != nullptr) return become(std::move(answer));
        state_ = state::ended;
        stream_.abort(make_error_code(errc::too_many_late));
    });
}

// The moment until which what has come is enough moves with each byte that comes; a fast beginning
// does not buy a long silence.
void connection::check_body_rate() {
    const options& o = service_.options_;
    const exchange& x = *exchange_;
    constexpr std::chrono::duration<double, duration::period> second = std::chrono::seconds(1);
    const duration earned =
        to_duration(second.count() * static_cast<double>(reader_.body_received()) /
                    static_cast<double>(std::max<std::uint64_t>(o.min_body_rate, 1)));
    const time_point due = std::min(later(x.body_began, longer(o.body_grace, earned)),
                                    later(x.body_last, o.body_grace));
    if (now() < due) return arm(due);
    refuse(errc::body_too_slow, {reader_.head().target()});
}

// ---- Requests ----

/// `held`: where the bytes lie, when they had been held.
void connection::consume(byte_span in, std::string* held) {
    while (state_ == state::reading && !in.empty()) {
        const bool begins = reader_.between_requests();
        // Replies pile up: first the peer takes them, then its further requests are looked at.
        if (begins && stream_.queued() > net::byte_stream::high_water) break;
        if (begins && !service_.loop_.has_work_left()) {
            stream_.await_turn();
            break;
        }
        if (begins && proxy() != nullptr) service_.forget_client(stream_.peer(), *proxy());
        switch (reader_.next(in)) {
            case request_reader::event::more: return wait_for_more(begins);
            case request_reader::event::head: handle_head(in); break;
            case request_reader::event::request: handle_request(); break;
            case request_reader::event::failed: return refuse(reader_.error());
        }
    }
    if (state_ == state::leaving && exchange_->next != nullptr) return finish_switch(in);
    hold(in, held);
}

/// Goes on with what had to wait.
void connection::consume_held() {
    std::string held;
    std::size_t from = 0;
    if (exchange_ != nullptr) {
        held.swap(exchange_->held);
        from = std::exchange(exchange_->held_from, 0);
        exchange_->recount();
    }
    if (state_ == state::reading) arm(later(now(), service_.options_.idle_timeout));
    consume(writable(held).subspan(from), &held);
    if (end_ahead_ && (state_ == state::answering || state_ == state::streaming)) {
        return on_end(stream_);
    }
    if (state_ == state::reading && !holds_bytes()) unpause();
}

void connection::handle_head(byte_span& in) {
    // One that waited for a filter comes here anew, and is told of as it was.
    const bool anew = exchange_ != nullptr && exchange_->filters_asked != 0;
    if (first_ == first_request::here && !anew) stream_.peer().set_only_resumes(false);
    first_request_came();
    service_.loop_.spend_work(net::request_work);
    const message_head& head = reader_.head();
    writer_.begin(head);
    if (!anew) {
        service_.metrics_.requests.add();
        stream_.peer().forget();  // behind a proxy, the last request was somebody else's
    }
    request req = service_.make_request(head, stream_);
    const errc wrong = service_.check(req, proxy());
    if (!anew) note_request(req);
    if (wrong != errc::none) {
        if (wrong != errc::misdirected) return refuse(wrong, {head.target()});
        return refuse(wrong, service::misdirected_reply(req), {head.target(), head.header("host")});
    }
    const service::match found = service_.find(req);
    if (try_move(req, found, in)) {
        in = {};
        return;
    }
    if (stream_.peer().only_resumes() && !anew) {
        if (auto instead = service_.refuse_newcomer(req, found))
            return answer(std::move(*instead).close());
    }
    if (auto instead = anew ? std::nullopt : service_.refuse_traffic(req)) {
        service_.metrics_.errors[static_cast<std::size_t>(errc::too_much_traffic)].add();
        return answer(std::move(*instead).close());
    }
    const bool has_body = head.framing() != body_framing::none;
    if (!anew && service_.is_observed()) use_exchange().watched = service_.watch(req);
    std::size_t asked = anew ? std::exchange(exchange_->filters_asked, 0) : 0;
    filter_verdict said = service_.ask_filters(req, asked);
    if (said.later) {
        wait_for_filter(std::move(*said.later), asked, in);
        in = {};
        return;
    }
    if (said.answer) {
        if (has_body) writer_.make_last();  // nobody is going to read it
        return while_answering([&] { answer(std::move(*said.answer)); });
    }
    if (has_body && found.upgrades) return refuse(errc::upgrade_with_body, {head.target()});
    if (has_body && found.chosen == nullptr) {
        writer_.make_last();  // nobody is going to read the body
        return run(req, found);
    }
    if (const errc e = reader_.take_body(service_.most_body(found)); e != errc::none) {
        return refuse(e, {head.target()});
    }
    const bool nothing_yet = in.empty();
    switch (reader_.next(in)) {
        case request_reader::event::request: service::set_body(req, reader_.body()); break;
        case request_reader::event::failed: return refuse(reader_.error(), {head.target()});
        default:
            if (nothing_yet && service::expects_continue(head)) {
                stream_.write(as_bytes(reply_writer::go_on));
            }
            use_exchange().tells_parts = service::wants_parts(found);
            return wait_for_more(true);
    }
    run(req, found);
}

/// For the access log; one whose head is refused has no path.
void connection::note_request(const request& req) {
    if (service_.loop_.options().access == nullptr) return;
    const auto traced = req.trace();
    auto note = net::access_note::make(service_.loop_, to_string(req.method()), req.path(),
                                       traced ? traced->trace_id : std::string_view{});
    note->begin(stream_, reader_.head_bytes().size());
    use_exchange().access = std::move(note);
}

/// Of a request, or of what was to be one.
void connection::note_refusal(errc why) {
    if (service_.loop_.options().access == nullptr) return;
    exchange& x = use_exchange();
    if (x.access == nullptr) {
        x.access = net::access_note::make(service_.loop_, {}, {}, {});
        x.access->begin(stream_, 0);
    }
    x.access->set_cause(make_error_code(why));
}

/// The request is over.
void connection::tell_access(std::error_code cause) noexcept {
    if (exchange_ == nullptr || exchange_->access == nullptr) return;
    std::exchange(exchange_->access, nullptr)->tell(stream_, cause);
}

/// The request is kept as it came, and parsed again when the filter has let it pass.
void connection::wait_for_filter(task<admission<void>> deciding, std::size_t asked,
                                 byte_view rest) {
    exchange& x = use_exchange();
    x.filters_asked = asked;
    x.held = as_text(reader_.head_bytes());
    x.held.append(as_text(rest));
    reader_.reset();
    state_ = state::answering;
    pause();
    arm(later(now(), service_.options_.reply_timeout));
    detail::pass_by(std::move(deciding), x.handle.lend_responder(*this, nullptr));
    if (exchange_ != nullptr) exchange_->recount();
}

void connection::pass(const admission<void>& said) {
    if (state_ != state::answering) return;
    exchange_->handle.take_back();
    const identity* const who = stream_.peer().who();
    const bool ended = who != nullptr && who->expires <= now();
    if (!said.allowed() || ended) {
        if (stream_.peer().traffic() != nullptr) stream_.peer().traffic()->note_error(now());
        writer_.make_last();  // what is held of it is not looked at any more
        exchange_->filters_asked = 0;
        exchange_->held.clear();
        return answer(ended ? response::text(401, "the identity has ended")
                            : response::refused(said.why(), 403));
    }
    state_ = state::reading;
    consume_held();
}

/// One whose body came after its head.
void connection::handle_request() {
    if (exchange_ != nullptr) exchange_->tells_parts = false;
    request req = service_.make_request(reader_.head(), stream_);
    if (service_.check(req, proxy()) != errc::none) return;  // it was checked before: cannot fail
    service::set_body(req, reader_.body());
    run(req, service_.find(req));
}

/// Its route may wait for it.
void connection::tell_body(service::body_news what) {
    if (exchange_ == nullptr || !exchange_->tells_parts) return;
    request req = service_.make_request(reader_.head(), stream_);
    if (service_.check(req, proxy()) != errc::none) return;  // as above: cannot fail
    service_.tell_body(req, service_.find(req), what);
}

/// Sets the deadline of what has come in part.
void connection::wait_for_more(bool begins) {
    const options& o = service_.options_;
    if (reader_.in_head()) {
        if (begins && first_ == first_request::here) arm(later(now(), o.head_timeout));
        return;
    }
    exchange& x = use_exchange();
    x.body_last = now();
    if (begins) {
        x.body_began = x.body_last;
        arm(later(x.body_began, o.body_grace));
    }
    tell_body(service::body_news::part);
}

void connection::run(request& req, service::match found) {
    if (exchange_ != nullptr && exchange_->access != nullptr)
        exchange_->access->add_received(req.body().size());
    if (found.upgrades) writer_.make_last();  // what is answered instead of it ends the connection
    while_answering([&] { service_.run(req, found, *this); });
    if (exchange_ != nullptr) exchange_->recount();  // it may have lent a handle
    if (state_ != state::answering) return;
    arm(later(now(), service_.options_.reply_timeout));
    if (found.upgrades) pause();
}

/// Runs what answers the request, now or later. The request is gone when this returns.
template <class F>
void connection::while_answering(F&& code) {
    state_ = state::answering;
    in_user_code_ = true;
    code();
    in_user_code_ = false;
    reader_.reset();
    if (state_ == state::answered) next_request();
}

/// At most one read's worth is ever held: reading is paused from then on.
void connection::hold(byte_span rest, std::string* held) {
    if (state_ == state::ended || rest.empty()) return;
    exchange& x = use_exchange();
    if (held != nullptr && x.held.empty()) {
        x.held_from = held->size() - rest.size();
        x.held.swap(*held);
    } else {
        x.held.reserve(x.held.size() + rest.size() + padding);
        x.held.append(as_text(rest));
    }
    x.recount();
    pause();
}

bool connection::holds_bytes() const noexcept {
    return exchange_ != nullptr && !exchange_->held.empty();
}

// ---- Leaving ----

// From set_handler on this object is only waiting for the end of the iteration to be freed.
void connection::finish_switch(byte_span unread) noexcept {
    net::stream_handler& protocol = *exchange_->next;
    service_.metrics_.upgrades.add();
    if (!reused_) service_.metrics_.handshakes.add(now() - accepted_);
    if (exchange_->access != nullptr) protocol.take_note(std::move(exchange_->access));
    become(std::move(exchange_->next));
    if (!unread.empty()) protocol.on_data(unread);
}

void connection::become(std::unique_ptr<net::stream_handler> protocol) noexcept {
    net::stream_handler& successor = *protocol;
    exchange_.reset();
    state_ = state::ended;
    unlink();
    stream_.clear_deadline();
    unpause();
    stream_.set_handler(std::move(protocol));
    successor.on_open();
}

/// True when the request belongs to another loop: the connection goes there with everything that
/// came, and the request is parsed again. Not from here: the stream is in the midst of reading.
bool connection::try_move(const request& req, service::match found, byte_view rest) {
    if (!stream_.may_leave()) return false;
    const auto next_loop = service_.other_loop(req, found);
    if (!next_loop) return false;
    service_.metrics_.requests.sub();  // it counts where it is answered
    exchange& x = use_exchange();
    x.held = as_text(reader_.head_bytes());
    x.held.append(as_text(rest));
    x.recount();
    x.next_loop = *next_loop;
    state_ = state::leaving;
    pause();
    wake_soon();
    return true;
}

void connection::finish_move() {
    if (const peer* const before = proxy()) {  // the other loop asks it about the client, too
        stream_.peer().set_address(before->address());
        stream_.peer().set_secure(before->secure());
    }
    net::moved_stream moved = stream_.leave();
    state_ = state::ended;
    moved.unread = std::move(exchange_->held);
    unlink();
    service_.transfer_(exchange_->next_loop, std::move(moved));
}

}  // namespace weft::http
