// The handles through which users answer later. Each checks the thread first: whether the
// connection is still there may be read on its own thread only.

#include <weft/http/responder.hpp>

#include <utility>

#include <weft/http/upgrade.hpp>

#include "http/reply_sink.hpp"

namespace weft::http {
namespace {

using state_ref = std::shared_ptr<detail::reply_state>;

errc check(const state_ref& state) noexcept {
    return state != nullptr ? state->check() : errc::already_answered;
}

}  // namespace

// ---- responder ----

responder::responder(state_ref state) noexcept : state_(std::move(state)) {}

responder& responder::operator=(responder&& other) noexcept {
    responder old(std::exchange(state_, std::move(other.state_)));
    return *this;
}

responder::~responder() {
    if (*this) state_->sink->abandon();
}

responder::operator bool() const noexcept {
    return check(state_) == errc::none;
}

std::error_code responder::send(response answer) {
    if (const errc e = check(state_); e != errc::none) return e;
    state_->sink->answer(std::move(answer));
    return {};
}

body_stream responder::start(response head) {
    if (check(state_) != errc::wrong_thread) {
        const state_ref state = std::exchange(state_, nullptr);
        if (check(state) == errc::none) state->sink->start(std::move(head));
        return body_stream(state);
    }
    return {};
}

void responder::on_gone(unique_function<void()> callback) {
    if (*this) state_->on_gone = std::move(callback);
}

// ---- body_stream ----

body_stream::body_stream(state_ref state) noexcept : state_(std::move(state)) {}

body_stream& body_stream::operator=(body_stream&& other) noexcept {
    body_stream old(std::exchange(state_, std::move(other.state_)));
    return *this;
}

body_stream::~body_stream() {
    if (*this) state_->sink->cut();
}

body_stream::operator bool() const noexcept {
    return check(state_) == errc::none;
}

write_status body_stream::write(std::string_view bytes) {
    const errc e = check(state_);
    if (e == errc::wrong_thread) return write_status::misuse;
    return e == errc::none ? state_->sink->write_body(bytes) : write_status::closed;
}

write_status body_stream::write(buffer_slice bytes) {
    const errc e = check(state_);
    if (e == errc::wrong_thread) return write_status::misuse;
    return e == errc::none ? state_->sink->write_body(std::move(bytes)) : write_status::closed;
}

void body_stream::finish() {
    if (*this) state_->sink->finish();
}

void body_stream::on_drained(unique_function<void()> callback) {
    if (*this) state_->on_drained = std::move(callback);
}

void body_stream::on_gone(unique_function<void()> callback) {
    if (*this) state_->on_gone = std::move(callback);
}

// ---- upgrade ----

upgrade::upgrade(state_ref state) noexcept : state_(std::move(state)) {}

upgrade& upgrade::operator=(upgrade&& other) noexcept {
    upgrade old(std::exchange(state_, std::move(other.state_)));
    return *this;
}

upgrade::~upgrade() {
    if (*this) state_->sink->abandon();
}

upgrade::operator bool() const noexcept {
    return check(state_) == errc::none;
}

net::byte_stream& upgrade::stream() const noexcept {
    return state_->sink->stream();
}

std::error_code upgrade::accept(header_lines headers,
                                std::unique_ptr<net::stream_handler> protocol) {
    if (const errc e = check(state_); e != errc::none) return e;
    state_->sink->switch_to(std::move(headers), std::move(protocol));
    return {};
}

std::error_code upgrade::refuse(response answer) {
    if (const errc e = check(state_); e != errc::none) return e;
    state_->sink->answer(std::move(answer).close());
    return {};
}

void upgrade::on_gone(unique_function<void()> callback) {
    if (*this) state_->on_gone = std::move(callback);
}

}  // namespace weft::http
