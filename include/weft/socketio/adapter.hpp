#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <weft/pubsub/message.hpp>

namespace weft::socketio {

/// A set of sockets: those of one namespace that are in any of `rooms` (all, if `rooms` is empty)
/// and in none of `except`. The id of a socket is also a room.
struct cluster_audience {
    std::string nsp;
    std::vector<std::string> rooms;
    std::vector<std::string> except;
};

/// Something a server did to its own sockets and asks the other servers of its cluster to do to
/// theirs.
struct cluster_message {
    enum class kind : std::uint8_t {
        broadcast,         ///< Sends an event to the audience.
        join,              ///< The audience enters `names`.
        leave,             ///< The audience leaves `names`.
        disconnect,        ///< Disconnects the audience; also its connections if `close`.
        server_side_emit,  ///< Sends an event to the handlers of the other servers.
    };
    kind what = kind::broadcast;
    cluster_audience to;
    std::vector<std::string> names;
    std::string event;                 ///< The name of the event.
    std::string arguments;             ///< Its arguments: JSON values with commas between them.
    std::vector<message> attachments;  ///< What the placeholders in `arguments` stand for.
    bool droppable = false;
    bool uncompressed = false;
    std::string latest;  ///< The key of a `latest` event; empty: none.
    bool close = false;
};

/// What an adapter can do to its server. **Threads**: any.
class adapter_target {
public:
    /// Does what another server asked for, to the sockets of this server only.
    virtual void apply(const cluster_message& what) = 0;

protected:
    ~adapter_target() = default;
};

/// The link between the Socket.IO servers of a cluster.
///
/// The server calls `publish` for what it does beyond its own process. The adapter calls
/// `adapter_target::apply` for what the other servers did. It must not give a server its own
/// messages back.
class adapter {
public:
    adapter() = default;
    adapter(const adapter&) = delete;
    adapter& operator=(const adapter&) = delete;
    virtual ~adapter() = default;

    /// Called once, before the server runs, when its loops exist. What you apply here is done when
    /// the loops run. **Lifetime**: the target is valid until `stop`.
    virtual void start(adapter_target& target) = 0;
    /// Called once, after the server ran. Do not call the target afterwards.
    virtual void stop() noexcept = 0;
    /// Tells the other servers. Must not block. **Threads**: any, several at once. Called after
    /// `start` and before `stop`; a call may still run when `stop` is called.
    virtual void publish(std::shared_ptr<const cluster_message> what) = 0;
};

}  // namespace weft::socketio
