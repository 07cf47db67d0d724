#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <weft/base/bytes.hpp>
#include <weft/cluster/options.hpp>

#include "cluster/adapter/proto/error.hpp"
#include "cluster/adapter/proto/message.hpp"
#include "cluster/redis/client.hpp"

namespace weft::cluster {

/// What comes on a channel.
enum class channel_role : std::uint8_t { broadcasts, requests, responses };

/// How one kind of adapter uses pub/sub: which channels there are, and what is written there.
class wire {
public:
    wire(const wire&) = delete;
    wire& operator=(const wire&) = delete;
    virtual ~wire() = default;

    struct subscription {
        redis::channel_kind kind;
        std::string channel;
        channel_role role;
    };
    struct address {
        redis::channel_kind kind;
        std::string channel;
    };

    /// What the node of this uid listens to for a namespace, whatever rooms it has.
    [[nodiscard]] virtual std::vector<subscription> subscriptions(std::string_view nsp,
                                                                  std::string_view uid) const = 0;
    /// What it listens to while it has somebody in a room. Nothing: the above brings it all.
    [[nodiscard]] virtual std::vector<subscription> subscriptions_of_room(
        std::string_view nsp, std::string_view room) const = 0;
    /// Whether there are any of these.
    [[nodiscard]] virtual bool listens_to_room(std::string_view room) const noexcept = 0;
    /// What counts the nodes that have a namespace.
    struct count_command {
        std::string_view name;  ///< Of PUBSUB.
        std::string channel;
    };
    [[nodiscard]] virtual count_command nodes_of(std::string_view nsp) const = 0;

    /// Where a message goes. `receiver` is who asked, for an answer.
    [[nodiscard]] virtual address address_of(const message_head& head,
                                             const socketio::cluster_message& content,
                                             std::string_view receiver) const = 0;
    [[nodiscard]] virtual errc append(std::string& out, const message_head& head,
                                      const socketio::cluster_message& content) const = 0;
    [[nodiscard]] virtual errc decode(channel_role role, std::string_view nsp, byte_view body,
                                      adapter_message& out) const = 0;

protected:
    wire() = default;
};

[[nodiscard]] std::unique_ptr<wire> make_wire(adapter_kind kind, std::string prefix);

}  // namespace weft::cluster
