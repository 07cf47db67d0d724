// The public face of a client: thread checks and forwarding only. What it forwards to lives on
// while a handler runs, so that destroying a client is always allowed.

#include <weft/socketio/client.hpp>

#include <utility>

#include "socketio/client_core.hpp"
#include "socketio/client_namespace.hpp"

namespace weft::socketio {

std::string_view to_string(client_disconnect_reason why) noexcept {
    switch (why) {
        case client_disconnect_reason::io_server_disconnect: return "io server disconnect";
        case client_disconnect_reason::io_client_disconnect: return "io client disconnect";
        case client_disconnect_reason::ping_timeout: return "ping timeout";
        case client_disconnect_reason::transport_close: return "transport close";
        case client_disconnect_reason::transport_error: return "transport error";
        case client_disconnect_reason::parse_error: return "parse error";
    }
    return {};
}

// ---- A name of a socket ----

loop_ref client_socket_ref::loop() const {
    return home_ != nullptr ? home_->loop() : loop_ref();
}

void client_socket_ref::with(unique_function<void(client_socket&)> task) const {
    if (home_ == nullptr) return;
    if (home_->here()) {
        if (home_->client() != nullptr) task(*namespace_->face);
        return;
    }
    home_->post([name = *this, task = std::move(task)]() mutable {
        if (name.home_->client() != nullptr) task(*name.namespace_->face);
    });
}

void client_socket_ref::connect() const {
    with([](client_socket& s) { (void)s.connect(); });
}
void client_socket_ref::disconnect() const {
    with([](client_socket& s) { s.disconnect(); });
}

send_status client_socket_ref::emit_encoded(std::string_view event, const encoded_arguments& args,
                                            const detail::emit_flags& flags) const {
    if (home_ == nullptr) return send_status::closed;
    if (home_->here()) {
        if (home_->client() == nullptr) return send_status::closed;
        return namespace_->emit(event, args, flags);
    }
    const bool posted = home_->post([name = *this, event = std::string(event), args, flags] {
        if (name.home_->client() != nullptr) name.namespace_->emit(event, args, flags);
    });
    return posted ? send_status::queued : send_status::closed;
}

void client_socket_ref::emit_awaiting(std::string_view event, const encoded_arguments& args,
                                      const detail::emit_flags& flags,
                                      detail::ack_callback on_ack) const {
    const error gone(weft::errc::closed_locally, "the client is gone");
    if (home_ == nullptr) return on_ack(gone);
    if (home_->here() && home_->client() != nullptr) {
        return namespace_->emit_awaiting(event, args, flags, std::move(on_ack));
    }
    home_->post([name = *this, event = std::string(event), args, flags, gone,
                 on_ack = std::move(on_ack)]() mutable {
        if (name.home_->client() == nullptr) return on_ack(gone);
        name.namespace_->emit_awaiting(event, args, flags, std::move(on_ack));
    });
}

// ---- A socket ----

client_socket::client_socket(weft::detail::owned_ptr<detail::client_namespace> owned) noexcept
    : namespace_(std::move(owned)) {}
client_socket::~client_socket() = default;

std::string_view client_socket::id() const noexcept {
    return namespace_->id();
}
std::string_view client_socket::nsp() const noexcept {
    return namespace_->name();
}
client_socket_ref client_socket::ref() const {
    client_socket_ref name;
    name.home_ = namespace_->core().home();
    name.namespace_ = namespace_.get();
    return name;
}
bool client_socket::connected() const noexcept {
    return namespace_->connected();
}
bool client_socket::active() const noexcept {
    return namespace_->active();
}
bool client_socket::recovered() const noexcept {
    return namespace_->recovered();
}

result<void> client_socket::connect() {
    const owner_scope own(namespace_->core().owner());
    if (!own) return weft::errc::wrong_thread;
    return namespace_->connect();
}
void client_socket::disconnect() {
    if (const owner_scope own(namespace_->core().owner()); own) namespace_->disconnect();
}
void client_socket::set_auth(client_auth auth) {
    namespace_->set_auth(std::move(auth));
}

void client_socket::add_handler(std::string_view event,
                                detail::typed_event_handler<client_socket> handler) {
    namespace_->add_handler(event, std::move(handler), detail::handler_life::always);
}
void client_socket::add_handler_once(std::string_view event,
                                     detail::typed_event_handler<client_socket> handler) {
    namespace_->add_handler(event, std::move(handler), detail::handler_life::once);
}
client_socket& client_socket::off(std::string_view event) {
    namespace_->on.events.erase(std::string(event));
    return *this;
}
client_socket& client_socket::off() {
    namespace_->on.events.clear();
    return *this;
}
client_socket& client_socket::on_any(any_handler handler) {
    namespace_->on.any.add(std::move(handler));
    return *this;
}
client_socket& client_socket::off_any() {
    namespace_->on.any.clear();
    return *this;
}
client_socket& client_socket::on_any_outgoing(any_handler handler) {
    namespace_->on.any_outgoing.add(std::move(handler));
    return *this;
}
client_socket& client_socket::off_any_outgoing() {
    namespace_->on.any_outgoing.clear();
    return *this;
}
client_socket& client_socket::on_unhandled(
    unique_function<void(client_socket&, std::string_view, const raw_arguments&, raw_ack)>
        handler) {
    namespace_->on.unhandled.add(std::move(handler));
    return *this;
}
client_socket& client_socket::on_connect(unique_function<void(client_socket&)> handler) {
    namespace_->on.connect.add(std::move(handler));
    return *this;
}
client_socket& client_socket::on_connect_error(
    unique_function<void(client_socket&, const connect_error&)> handler) {
    namespace_->on.connect_error.add(std::move(handler));
    return *this;
}
client_socket& client_socket::on_disconnect(
    unique_function<void(client_socket&, const client_disconnect&)> handler) {
    namespace_->on.disconnect.add(std::move(handler));
    return *this;
}

send_status client_socket::emit_encoded(std::string_view event, const encoded_arguments& args,
                                        const detail::emit_flags& flags) const {
    const owner_scope own(namespace_->core().owner());
    if (!own) return send_status::misuse;
    return namespace_->emit(event, args, flags);
}
void client_socket::emit_awaiting(std::string_view event, const encoded_arguments& args,
                                  const detail::emit_flags& flags,
                                  detail::ack_callback on_ack) const {
    const owner_scope own(namespace_->core().owner());
    if (!own) return on_ack(error(weft::errc::wrong_thread));
    namespace_->emit_awaiting(event, args, flags, std::move(on_ack));
}

// ---- The client ----

client::client(loop_ref loop, client_options options, tls_client_options tls)
    : core_(std::make_shared<detail::client_core>(std::move(loop), std::move(options),
                                                  std::move(tls))) {
    core_->start();
}
client::~client() {
    core_->leave();
}

client_socket& client::of(std::string_view nsp) {
    return core_->of(nsp);
}
client_socket& client::socket() {
    return core_->of(core_->url_namespace());
}
result<void> client::connect() {
    return core_->connect();
}
void client::disconnect() {
    core_->disconnect();
}
bool client::connected() const noexcept {
    return core_->connected();
}
std::string_view client::transport() const noexcept {
    return connected() ? to_string(core_->transport()) : std::string_view();
}

client& client::on_error(unique_function<void(const error&)> handler) {
    core_->on.error.add(std::move(handler));
    return *this;
}
client& client::on_reconnect_attempt(unique_function<void(unsigned)> handler) {
    core_->on.reconnect_attempt.add(std::move(handler));
    return *this;
}
client& client::on_reconnect(unique_function<void(unsigned)> handler) {
    core_->on.reconnect.add(std::move(handler));
    return *this;
}
client& client::on_reconnect_error(unique_function<void(const error&)> handler) {
    core_->on.reconnect_error.add(std::move(handler));
    return *this;
}
client& client::on_reconnect_failed(unique_function<void()> handler) {
    core_->on.reconnect_failed.add(std::move(handler));
    return *this;
}
client& client::on_ping(unique_function<void()> handler) {
    core_->on.ping.add(std::move(handler));
    return *this;
}
client& client::on_upgrade(unique_function<void(std::string_view)> handler) {
    core_->on.upgrade.add(std::move(handler));
    return *this;
}

}  // namespace weft::socketio
