// What users call on a connection: a thread check, then the function of its core.

#include <weft/ws/connection.hpp>

#include "ws/connection_core.hpp"

namespace weft::ws {

bool connection_base::callable() const noexcept {
    return core_ != nullptr && core_->shared().loop.in_loop_thread();
}

conn_id connection_base::id() const noexcept {
    return core_->id();
}
peer& connection_base::peer() const noexcept {
    return core_->stream().peer();
}

std::string_view connection_base::subprotocol() const noexcept {
    return agreed_ != nullptr ? std::string_view(agreed_->subprotocol) : std::string_view{};
}

std::string_view connection_base::param(std::string_view name) const noexcept {
    if (agreed_ == nullptr) return {};
    for (const auto& [key, value] : agreed_->params) {
        if (key == name) return value;
    }
    return {};
}

send_status connection_base::send(std::string_view text) noexcept {
    return core_->send(message_view(text));
}
send_status connection_base::send(const char* text) noexcept {
    return send(std::string_view(text));
}
send_status connection_base::send(byte_view bytes) noexcept {
    return core_->send(message_view(message_kind::binary, bytes));
}
send_status connection_base::send(const message_view& what) noexcept {
    return core_->send(what);
}
send_status connection_base::send(const message& what) noexcept {
    return core_->send(what);
}
send_status connection_base::send(message_view what,
                                  unique_function<void(std::error_code)> done) noexcept {
    return core_->send(what, std::move(done));
}
send_status connection_base::send_fragment(message_view piece, fragment which,
                                           unique_function<void(std::error_code)> done) noexcept {
    return core_->send_fragment(piece, which, std::move(done));
}
std::size_t connection_base::queued() const noexcept {
    return core_->queued();
}

bool connection_base::subscribe(std::string_view topic) {
    if (!callable()) return false;
    pubsub::hub& hub = core_->shared().hub;
    const pubsub::topic_key key = pubsub::program_topic(topic);
    return hub.has_room(key) && hub.subscribe(*core_, key);
}
bool connection_base::unsubscribe(std::string_view topic) {
    return callable() && core_->shared().hub.unsubscribe(*core_, pubsub::program_topic(topic));
}
bool connection_base::is_subscribed(std::string_view topic) const noexcept {
    return callable() && core_->shared().hub.is_subscribed(*core_, pubsub::program_topic(topic));
}
std::size_t connection_base::publish(std::string_view topic, message_view what) {
    return publish(topic, message(what));
}
std::size_t connection_base::publish(std::string_view topic, const message& what) {
    return callable() ? core_->shared().hub.publish(pubsub::program_topic(topic), what, core_) : 0;
}
std::size_t connection_base::publish_here(std::string_view topic, message_view what) {
    return publish_here(topic, message(what));
}
std::size_t connection_base::publish_here(std::string_view topic, const message& what) {
    if (!callable()) return 0;
    return core_->shared().hub.publish(
        {.owner = pubsub::topic_owner::program, .topics = {&topic, 1}, .except = core_},
        {&what, 1});
}

std::optional<schema::violation> connection_base::check(const schema& rules, message_view what) {
    return callable() ? core_->check(rules, what) : connection_core::examine(rules, what);
}

send_status connection_base::ping(byte_view payload) noexcept {
    return core_->ping(payload);
}
send_status connection_base::pong(byte_view payload) noexcept {
    return core_->pong(payload);
}
void connection_base::pause() noexcept {
    if (callable()) core_->pause();
}
void connection_base::resume() noexcept {
    if (callable()) core_->resume();
}
bool connection_base::is_paused() const noexcept {
    return callable() && core_->is_paused();
}
void connection_base::close(close_code code, std::string_view reason) noexcept {
    if (callable()) core_->close(code, reason);
}
void connection_base::terminate() noexcept {
    if (callable()) core_->terminate();
}

}  // namespace weft::ws
