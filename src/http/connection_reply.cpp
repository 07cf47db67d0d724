// Replies of one connection. A reply is complete, cut, or never begun: once the handle was taken
// back its holder can do nothing to this connection any more, so a second answer, or one that comes
// too late, finds nobody. What cannot be written at once is fed as the peer takes it.

#include <algorithm>
#include <exception>
#include <utility>

#include "http/connection.hpp"
#include "http/exchange.hpp"
#include "http/proto/chunked.hpp"
#include "http/retry_after.hpp"
#include "net/loop_core.hpp"
#include "net/work.hpp"

namespace weft::http {
namespace {

constexpr std::size_t source_piece = 64 * 1024;

}  // namespace

lent_handle& connection::handle() {
    return use_exchange().handle;
}

// ---- Whole replies ----

void connection::answer(response reply) {
    if (exchange_ != nullptr) exchange_->handle.take_back();
    if (reply.closes() || service_.loop_.draining()) writer_.make_last();
    head_memory memory;
    stream_.write(as_bytes(writer_.whole(reply, service_.date(), memory)));
    note_reply(reply.status(), reply.body_size());
    if (!writer_.sends_body()) return reply_done();
    auto& [text, bytes, source, size] = reply.content();
    if (source == nullptr) {
        if (!text.empty()) stream_.write(as_bytes(text));
        if (!bytes.empty()) stream_.write(buffer_slice{{}, bytes});
        return reply_done();
    }
    exchange& x = use_exchange();
    x.source = std::move(source);
    x.source_left = size;
    state_ = state::pumping;
    stream_.clear_deadline();
    pump();
}

/// The user's handle went without an answer. While an exception carries it away, that is reported.
void connection::abandon() noexcept {
    within_memory([&] {
        if (std::uncaught_exceptions() == 0) {
            service_.report_unanswered(stream_, exchange_->handle.route());
        }
        fail();
    });
}

void connection::fail() {
    if (state_ == state::answering) answer(response::plain_error(500).close());
}

void connection::threw(const std::exception_ptr& what) {
    service_.report_thrown(what, stream_, exchange_->handle.route());
    within_memory([this] { fail(); });
}

/// An answer begins.
void connection::note_reply(int status, std::uint64_t body_size) {
    service_.metrics_.count_reply(status);
    if (exchange_ != nullptr && exchange_->access != nullptr) exchange_->access->set_code(status);
    if (exchange_ == nullptr || exchange_->watched == nullptr) return;
    const auto watched = std::move(exchange_->watched);
    service_.tell_observers(*watched, status, body_size, stream_);
}

/// Answers what is wrong with the request, once, and ends.
void connection::refuse(errc why, const refused_request& which) {
    const error_row& row = row_of(why);
    if (row.status == 0) return drop(why, which);
    refuse(why, response::text(row.status, std::string(row.text) + "\n"), which);
}

void connection::refuse(errc why, response reply, const refused_request& which) {
    service_.report(why, stream_, which);
    note_refusal(why);
    answer(std::move(reply).close());
}

/// Ends without an answer.
void connection::drop(errc why, const refused_request& which) noexcept {
    service_.report(why, stream_, which);
    tell_gone();
    tell_access(make_error_code(why));
    state_ = state::ended;
    stream_.abort(make_error_code(why));
}

std::string_view connection::answer_to_plain() const noexcept {
    return "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
           "Content-Length: 57\r\nConnection: close\r\n\r\n"
           "This port speaks TLS: use https:// or wss:// to reach it\n";
}

void connection::pump() {
    exchange& x = *exchange_;
    while (x.source_left > 0 && stream_.queued() <= net::byte_stream::high_water) {
        if (!service_.loop_.has_work_left()) return wake_soon();
        const auto wanted =
            static_cast<std::size_t>(std::min<std::uint64_t>(source_piece, x.source_left));
        const buffer_ref piece = shared_buffer::allocate(wanted);
        const std::size_t size = piece ? x.source->read({piece->data(), wanted}) : 0;
        if (size == 0) return drop(errc::body_incomplete);  // the reply cannot be made whole
        x.source_left -= size;
        service_.loop_.spend_work(size / net::bytes_copied_per_work);
        stream_.write(buffer_slice{piece, {piece->data(), size}});
    }
    if (x.source_left > 0) return;  // on_drained goes on
    x.source = nullptr;
    reply_done();
}

// ---- Streamed replies ----

void connection::start(response head) {
    if (head.closes() || service_.loop_.draining()) writer_.make_last();
    state_ = state::streaming;
    if (exchange_->access != nullptr) exchange_->access->set_kind(access_kind::stream);
    stream_.clear_deadline();
    head_memory memory;
    stream_.write(as_bytes(writer_.streamed(head, service_.date(), memory)));
    note_reply(head.status(), 0);
    write_body(head.content().text);
    write_body(as_text(head.content().bytes));
}

write_status connection::dropped_piece() noexcept {
    service_.metrics_.stream_drops.add();
    service_.loop_.tell_refusal(
        log_level::warning, "http", "a piece of a streamed reply was dropped: max_stream_queue",
        [this] {
            return refusal_facts{.peer = stream_.peer().address().to_string(),
                                 .route = exchange_->handle.route()};
        });
    return write_status::dropped;
}

template <class F>
write_status connection::write_piece(std::size_t size, F&& write_it) {
    const std::size_t queued = stream_.queued();
    const std::size_t most = service_.options_.max_stream_queue;
    if (size > most - std::min(queued, most)) return dropped_piece();
    if (size == 0 || !writer_.sends_body()) return write_status::ready;
    if (writer_.in_chunks()) stream_.write(as_bytes(chunk_start(size).text()));
    write_it();
    if (writer_.in_chunks()) stream_.write(as_bytes(chunk_end));
    return stream_.queued() > net::byte_stream::high_water ? write_status::full
                                                           : write_status::ready;
}

write_status connection::write_body(std::string_view bytes) {
    return write_piece(bytes.size(), [&] { stream_.write(as_bytes(bytes)); });
}

write_status connection::write_body(buffer_slice bytes) {
    return write_piece(bytes.bytes.size(), [&] { stream_.write(std::move(bytes)); });
}

void connection::finish() {
    if (writer_.sends_body() && writer_.in_chunks()) stream_.write(as_bytes(last_chunk));
    exchange_->handle.take_back();
    reply_done();
}

/// The stream was let go unfinished: only a reset tells the peer so, whatever the framing.
void connection::cut() noexcept {
    exchange_->handle.take_back();
    drop(errc::body_incomplete, {exchange_->handle.route()});
}

// ---- Upgrades ----

void connection::switch_to(header_lines headers, std::unique_ptr<net::stream_handler> protocol) {
    head_memory memory;
    stream_.write(as_bytes(reply_writer::switching(headers, memory)));
    note_reply(101, 0);
    exchange_->next = std::move(protocol);
    exchange_->handle.take_back();
    state_ = state::leaving;
    if (!in_user_code_) wake_soon();
}

// ---- The end of a reply, and of a connection ----

void connection::reply_done() {
    tell_access({});
    if (writer_.is_last()) return end();
    state_ = state::answered;
    if (!in_user_code_) next_request();
}

void connection::next_request() {
    state_ = state::reading;
    reused_ = true;
    writer_ = {};
    if (service_.loop_.draining()) return end();
    // Not from here: the user who has just answered must not find himself in the next handler.
    if (holds_bytes()) return wake_soon();
    if (proxy() == nullptr) exchange_.reset();
    unpause();
    arm(later(now(), service_.options_.idle_timeout));
}

/// From here on the user's handle finds nobody; its holder is told.
void connection::tell_gone() noexcept {
    if (exchange_ == nullptr) return;
    if (auto callback = exchange_->handle.take_gone()) call_user(callback);
}

void connection::tell_drained() {
    exchange_->handle.tell_drained([this](auto& callback) { call_user(callback); });
    if (state_ == state::answered) next_request();
}

void connection::drain() noexcept {
    if (state_ == state::reading && reader_.between_requests() && !holds_bytes()) return end();
    // A handler that answers at once may be what drains us; it has no exchange yet.
    if (state_ != state::answering || exchange_ == nullptr || !exchange_->handle.is_upgrade())
        return;
    tell_gone();
    within_memory(
        [this] { answer(response::refused(shutting_down(service_.loop_), 503).close()); });
}

void connection::end() noexcept {
    state_ = state::ended;
    stream_.clear_deadline();
    stream_.close();
}

// ---- Small things ----

connection::exchange& connection::use_exchange() {
    if (exchange_ == nullptr) exchange_ = std::make_unique<exchange>(service_.loop_.budget());
    return *exchange_;
}

const peer* connection::proxy() const noexcept {
    return exchange_ != nullptr ? exchange_->proxy.get() : nullptr;
}

void connection::arm(time_point when) noexcept {
    waking_ = false;
    stream_.set_deadline(when);
}

/// Goes on (`go_on`) outside of every call that is running now, when the others had their turn.
void connection::wake_soon() noexcept {
    stream_.clear_deadline();
    waking_ = true;
    stream_.await_turn();
}

void connection::pause() noexcept {
    if (!std::exchange(paused_, true)) stream_.pause_reading();
}

void connection::unpause() noexcept {
    if (std::exchange(paused_, false)) stream_.resume_reading();
}

void connection::unlink() noexcept {
    if (next == nullptr) return;
    next->previous = previous;
    previous->next = next;
    next = nullptr;
    service_.metrics_.connections.sub();
}

time_point connection::now() const noexcept {
    return service_.loop_.now();
}

}  // namespace weft::http
