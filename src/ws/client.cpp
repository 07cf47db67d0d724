// The public face of a client: thread checks and forwarding only. What it forwards to lives on
// while a connection ends, so that destroying a client is always allowed.

#include <weft/ws/client.hpp>

#include <utility>

#include "ws/client_core.hpp"

namespace weft::ws {

client_context::client_context(loop_ref loop, tls_client_options tls)
    : shared_(std::make_shared<detail::client_shared>(std::move(loop), std::move(tls))) {}

void client_context::visit_metrics(metric_visitor visit) const {
    if (shared_->connections) shared_->connections->metrics.visit(visit);
}

result<std::shared_ptr<net::tls_client_context>> client_context::tls() const {
    return shared_->tls();
}

client::client(loop_ref loop, client_options options, tls_client_options tls)
    : client(client_context(std::move(loop), std::move(tls)), std::move(options)) {}
client::client(client_context shared, client_options options)
    : core_(std::make_shared<detail::client_core>(*this, std::move(shared.shared_),
                                                  std::move(options))) {}
client::~client() {
    core_->leave();
}

client& client::on_open(unique_function<void(client&)> handler) {
    core_->on.open = std::move(handler);
    return *this;
}
client& client::on_message(unique_function<void(client&, message_view)> handler) {
    core_->on.message = std::move(handler);
    return *this;
}
client& client::on_ping(unique_function<void(client&, byte_view)> handler) {
    core_->on.ping = std::move(handler);
    return *this;
}
client& client::on_pong(unique_function<void(client&, byte_view)> handler) {
    core_->on.pong = std::move(handler);
    return *this;
}
client& client::on_drain(unique_function<void(client&)> handler) {
    core_->on.drain = std::move(handler);
    return *this;
}
client& client::on_close(unique_function<void(client&, const close_event&)> handler) {
    core_->on.close = std::move(handler);
    return *this;
}
client& client::on_failure(unique_function<void(client&, const connect_failure&)> handler) {
    core_->on.failure = std::move(handler);
    return *this;
}

result<void> client::connect() {
    return core_->connect();
}
bool client::begin_open(result<void>& outcome) {
    return core_->begin_open(outcome);
}
void client::wait_open(weft::detail::suspension waiting, result<void>& outcome) noexcept {
    core_->wait_open(std::move(waiting), outcome);
}

send_status client::send(std::string_view text) noexcept {
    return send(message_view(text));
}
send_status client::send(const char* text) noexcept {
    return send(std::string_view(text));
}
send_status client::send(byte_view bytes) noexcept {
    return send(message_view(message_kind::binary, bytes));
}
send_status client::send(message_view what) noexcept {
    return core_->on_connection([&](connection_core& open) { return open.send(what); });
}
send_status client::send(const message& what) noexcept {
    return core_->on_connection([&](connection_core& open) { return open.send(what); });
}
send_status client::send(message_view what, unique_function<void(std::error_code)> done) noexcept {
    return core_->on_connection([&](connection_core& open) {
        return open.send(what, core_->while_owned(std::move(done)));
    });
}
send_status client::send_fragment(message_view piece, fragment which,
                                  unique_function<void(std::error_code)> done) noexcept {
    return core_->on_connection([&](connection_core& open) {
        return open.send_fragment(piece, which, core_->while_owned(std::move(done)));
    });
}
std::size_t client::queued() const noexcept {
    const connection_core* const open = core_->open_connection();
    return open != nullptr ? open->queued() : 0;
}
send_status client::ping(byte_view payload) noexcept {
    return core_->on_connection([&](connection_core& open) { return open.ping(payload); });
}
send_status client::pong(byte_view payload) noexcept {
    return core_->on_connection([&](connection_core& open) { return open.pong(payload); });
}

void client::pause() noexcept {
    const owner_scope own(core_->owner());
    if (own && core_->open_connection() != nullptr) core_->open_connection()->pause();
}
void client::resume() noexcept {
    const owner_scope own(core_->owner());
    if (own && core_->open_connection() != nullptr) core_->open_connection()->resume();
}
bool client::is_paused() const noexcept {
    const connection_core* const open = core_->open_connection();
    return open != nullptr && open->is_paused();
}

void client::close(close_code code, std::string_view reason) noexcept {
    if (const owner_scope own(core_->owner()); own) core_->end(code, reason, false);
}
void client::terminate() noexcept {
    if (const owner_scope own(core_->owner()); own) core_->end(close_code::normal, {}, true);
}

client_state client::state() const noexcept {
    return core_->state();
}
std::optional<duration> client::retry_in() const noexcept {
    return core_->retry_in();
}
std::optional<time_point> client::receiving() const noexcept {
    return core_->receiving();
}
std::string_view client::subprotocol() const noexcept {
    return core_->subprotocol();
}

}  // namespace weft::ws
