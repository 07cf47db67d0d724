#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <weft/server/server.hpp>

#include "topics/topic_hub.hpp"

namespace weft {

/// Serves the topic protocol (docs/guide/topic-protocol.md) at a route of a server. With a
/// verifier, to clients with a token only.
/// **Lifetime**: the hub must outlive the server.
ws::endpoint<topics::topic_client>& add_topic_endpoint(
    server& target, std::string_view path, topics::topic_hub& hub, ws::options options,
    const std::optional<auth::verifier>& verifier = std::nullopt);

/// For `topics::hub_options::node`: drawn at random.
[[nodiscard]] std::string random_node_name();

}  // namespace weft
