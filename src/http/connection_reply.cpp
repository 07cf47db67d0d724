// Replying. A reply is complete, cut, or never begun: after `take_back` the user's handle can do
// nothing to this connection any more, so a second answer, or one that comes too late, finds
// nobody. What cannot be written at once is fed as the peer takes it.

#include <algorithm>
#include <array>
#include <charconv>
#include <exception>
#include <utility>

#include "http/connection.hpp"
#include "http/exchange.hpp"
#include "http/proto/head_writer.hpp"
#include "net/loop_core.hpp"

namespace weft::http {
namespace {

constexpr std::size_t source_piece = 64 * 1024;
constexpr std::size_t source_budget = 256 * 1024;  // per turn: other connections wait meanwhile

// RFC 9110 section 6.4.1.
bool status_allows_body(int status) noexcept {
    return status >= 200 && status != 204 && status != 304;
}

}  // namespace

void connection::answer(response reply) {
    if (exchange_ != nullptr) exchange_->handle.take_back();
    if (reply.close_ || service_.draining_) keep_alive_ = false;
    const bool has_body = status_allows_body(reply.status());
    write_head(reply, has_body ? body_framing::length : body_framing::none);
    if (!has_body || is_head_) return reply_done();
    write_body(reply);
}

/// The user's handle went without an answer. While an exception carries it away, `guarded` counts.
void connection::abandon() noexcept {
    within_memory([&] {
        if (std::uncaught_exceptions() == 0) {
            service_.report(errc::handler_failed, "it let its responder go unanswered");
        }
        answer(response::plain_error(status_of(errc::handler_failed)).close());
    });
}

/// Answers what is wrong with the request, once, and ends.
void connection::refuse(errc why) {
    if (status_of(why) == 0) return drop(why);
    service_.report(why, {});
    answer(response::plain_error(status_of(why)).close());
}

/// Ends without an answer.
void connection::drop(errc why) noexcept {
    service_.report(why, {});
    tell_gone();
    phase_ = phase::ended;
    stream_.abort(make_error_code(why));
}

void connection::write_head(const response& reply, body_framing framing) {
    constexpr std::size_t own_lines = 256;
    const std::string_view lines = reply.headers().text();
    std::array<char, 2048> small;
    std::string large;
    if (lines.size() > small.size() - own_lines) {
        large.resize(lines.size() + own_lines);
    }
    head_writer w(large.empty() ? std::span<char>(small) : std::span<char>(large));
    w.status_line(reply.status());
    w.field("Date", service_.date());
    if (framing == body_framing::length) w.field("Content-Length", reply.body_size());
    if (framing == body_framing::chunked) w.field("Transfer-Encoding", "chunked");
    if (!keep_alive_) w.field("Connection", "close");
    if (keep_alive_ && old_version_) w.field("Connection", "keep-alive");
    w.lines(lines);
    if (const auto head = w.finish()) stream_.write(as_bytes(*head));
    service_.metrics_.count_reply(reply.status());
}

void connection::write_body(response& reply) {
    if (const auto* text = std::get_if<std::string>(&reply.body_)) {
        if (!text->empty()) stream_.write(as_bytes(*text));
        return reply_done();
    }
    if (const auto* bytes = std::get_if<byte_view>(&reply.body_)) {
        if (!bytes->empty()) stream_.write(buffer_slice{{}, *bytes});
        return reply_done();
    }
    auto& [source, size] = *std::get_if<response::sourced>(&reply.body_);
    exchange& x = use_exchange();
    x.source = std::move(source);
    x.source_left = size;
    phase_ = phase::pumping;
    stream_.clear_deadline();
    pump();
}

void connection::pump() {
    exchange& x = *exchange_;
    std::size_t budget = source_budget;
    while (x.source_left > 0 && stream_.queued() <= net::byte_stream::high_water) {
        if (budget == 0) return wake_soon();
        const auto wanted =
            static_cast<std::size_t>(std::min<std::uint64_t>(source_piece, x.source_left));
        const buffer_ref piece = shared_buffer::allocate(wanted);
        const std::size_t size = piece ? x.source->read({piece->data(), wanted}) : 0;
        if (size == 0) return drop(errc::handler_failed);  // the reply cannot be made whole
        x.source_left -= size;
        budget -= std::min(budget, size);
        stream_.write(buffer_slice{piece, {piece->data(), size}});
    }
    if (x.source_left > 0) return;  // on_drained goes on
    x.source.reset();
    reply_done();
}

// ---- Streamed replies ----

void connection::start(response head) {
    // An HTTP/1.0 peer knows no chunks: the end of the connection is the end of the body.
    const bool chunked = !old_version_;
    if (!chunked || head.close_ || service_.draining_) keep_alive_ = false;
    use_exchange().chunked_reply = chunked;
    phase_ = phase::streaming;
    stream_.clear_deadline();
    write_head(head, chunked ? body_framing::chunked : body_framing::until_close);
    if (const auto* text = std::get_if<std::string>(&head.body_)) write(*text);
    if (const auto* bytes = std::get_if<byte_view>(&head.body_)) write(as_text(*bytes));
}

write_status connection::write(std::string_view bytes) {
    const std::size_t queued = stream_.queued();
    const std::size_t most = service_.options_.max_stream_queue;
    if (bytes.size() > most - std::min(queued, most)) return write_status::dropped;
    if (bytes.empty() || is_head_) return write_status::ready;
    if (exchange_->chunked_reply) {
        std::array<char, 18> size;
        char* const end = std::to_chars(size.data(), size.data() + 16, bytes.size(), 16).ptr;
        end[0] = '\r';
        end[1] = '\n';
        stream_.write(as_bytes({size.data(), static_cast<std::size_t>(end + 2 - size.data())}));
    }
    stream_.write(as_bytes(bytes));
    if (exchange_->chunked_reply) stream_.write(as_bytes("\r\n"));
    return stream_.queued() > net::byte_stream::high_water ? write_status::full
                                                           : write_status::ready;
}

void connection::finish() {
    if (exchange_->chunked_reply && !is_head_) stream_.write(as_bytes("0\r\n\r\n"));
    exchange_->handle.take_back();
    reply_done();
}

/// The stream was let go unfinished: only a reset tells the peer so, whatever the framing.
void connection::cut() noexcept {
    exchange_->handle.take_back();
    drop(errc::handler_failed);
}

// ---- The end of a reply, and of a connection ----

void connection::reply_done() {
    if (!keep_alive_) return end();
    phase_ = phase::replied;
    if (!in_handler_) next_request();
}

void connection::next_request() {
    std::string held;
    if (exchange_ != nullptr) held.swap(exchange_->held);
    exchange_.reset();
    phase_ = phase::idle;
    is_head_ = false;
    if (service_.draining_) return end();
    if (held.empty()) {
        unpause();
        arm(now() + service_.options_.idle_timeout);
        return;
    }
    // Not from here: the user who has just answered must not find himself in the next handler.
    use_exchange().held.swap(held);
    exchange_->recount();
    wake_soon();
}

/// From here on the user's handle finds nobody; its holder is told.
void connection::tell_gone() noexcept {
    if (exchange_ == nullptr) return;
    if (auto callback = exchange_->handle.take_gone()) guarded(callback);
}

void connection::tell_drained() {
    exchange_->handle.tell_drained([this](auto& callback) { guarded(callback); });
    if (phase_ == phase::replied) next_request();
}

void connection::drain() noexcept {
    if (phase_ == phase::idle && !holds_bytes()) end();
    if (phase_ == phase::upgrading) {
        tell_gone();
        answer(response::plain_error(503).close());
    }
}

void connection::end() noexcept {
    phase_ = phase::ended;
    stream_.clear_deadline();
    stream_.close();
}

// ---- Small things ----

connection::exchange& connection::use_exchange() {
    if (exchange_ == nullptr) exchange_ = std::make_unique<exchange>(stream_.owner().budget());
    return *exchange_;
}

void connection::arm(time_point when) noexcept {
    waking_ = false;
    stream_.set_deadline(when);
}

/// Goes on in the loop's next turn, outside of every call that is running now.
void connection::wake_soon() noexcept {
    arm(now());
    waking_ = true;
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
    return stream_.owner().now();
}

}  // namespace weft::http
