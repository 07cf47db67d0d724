#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <weft/server/server.hpp>
#include <weft/socketio/server.hpp>

#include "topics/topic_hub.hpp"

namespace weft {

/// The topics of a server (docs/guide/topic-protocol.md), the same for its WebSockets and its
/// Socket.IO clients. **Threads**: set it up before the server runs; then any. **Lifetime**: within
/// the hub's; longer than that of the server and the Socket.IO server, whose handlers use it.
class topic_service {
public:
    explicit topic_service(topics::topic_hub& hub) noexcept : hub_(hub) {}
    topic_service(const topic_service&) = delete;
    topic_service& operator=(const topic_service&) = delete;

    /// Serves the topic protocol at a route. With a verifier, to clients with a token only, as
    /// below.
    void add_web_socket(server& target, std::string_view path, ws::options options,
                        const std::optional<auth::verifier>& verifier = std::nullopt);
    /// Serves it to the main namespace of a Socket.IO server of the same server. Call it once.
    void add_socketio(server& target, socketio::server& io,
                      const std::optional<auth::verifier>& verifier = std::nullopt);

    /// What a program of the operator says to a topic. What comes back has been published, or says
    /// why it was not.
    topics::topic_hub::announcement announce(std::string_view topic, std::string_view data);
    /// Looks at everyone's topics again, since rights have changed.
    void review();

    using endpoint = ws::endpoint<topics::topic_client>;
    [[nodiscard]] std::span<endpoint* const> endpoints() const noexcept { return endpoints_; }

private:
    friend class connection_sink;
    friend class socket_sink;
    friend class answering_sink;

    topics::topic_hub& hub_;
    server* target_ = nullptr;
    socketio::server* io_ = nullptr;
    std::vector<endpoint*> endpoints_;
};

/// For `topics::hub_options::node`: drawn at random.
[[nodiscard]] std::string random_node_name();

}  // namespace weft
