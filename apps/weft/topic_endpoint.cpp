// The bridge between the topic protocol, which knows no sockets, and a WebSocket endpoint.

#include "topic_endpoint.hpp"

#include <cstdio>
#include <random>

namespace weft {
namespace {

class connection_sink final : public topics::topic_sink {
public:
    explicit connection_sink(ws::connection_base& c) noexcept : connection_(c) {}
    void send(std::string_view text) override { connection_.send(text); }
    void subscribe(std::string_view topic) override { connection_.subscribe(topic); }
    void unsubscribe(std::string_view topic) override { connection_.unsubscribe(topic); }
    void publish(std::string_view topic, std::string_view text) override {
        connection_.publish(topic, message_view(text));
    }
    void publish_here(std::string_view topic, std::string_view text) override {
        connection_.publish_here(topic, message_view(text));
    }
    std::optional<schema::violation> check(const schema& rules, std::string_view json) override {
        return connection_.check(rules, json);
    }

private:
    ws::connection_base& connection_;
};

}  // namespace

ws::endpoint<topics::topic_client>& add_topic_endpoint(
    server& target, std::string_view path, topics::topic_hub& hub, ws::options options,
    const std::optional<auth::verifier>& verifier) {
    auto& endpoint = target.ws<topics::topic_client>(path, std::move(options));
    if (verifier) endpoint.require(*verifier);
    endpoint.on_open([&hub](auto& c) { hub.open(c.data()); })
        .on_message([&hub](auto& c, message_view m) {
            if (!m.is_text()) {
                c.close(ws::close_code::unsupported_data, "the topic protocol is JSON text");
                return;
            }
            connection_sink sink(c);
            hub.handle(c.data(), m.text(), std::chrono::steady_clock::now(), sink);
        })
        .on_close([&hub](auto& c, const ws::close_event&) {
            connection_sink sink(c);
            hub.close(c.data(), sink);
        });
    return endpoint;
}

std::string random_node_name() {
    char name[10];
    std::snprintf(name, sizeof name, "%08x.", unsigned{std::random_device()()});
    return name;
}

}  // namespace weft
