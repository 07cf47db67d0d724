#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <weft/pubsub/message.hpp>

namespace weft::socketio {

/// Whom something is for: the sockets of one namespace that are in any of `rooms` (all of them
/// when there are none) and in none of `except`. A socket's id is a room of its own.
struct audience {
    std::string nsp;
    std::vector<std::string> rooms;
    std::vector<std::string> except;
};

/// One thing that a server has done to its own sockets and asks the other servers of its cluster
/// to do to theirs.
struct cluster_message {
    enum class kind : std::uint8_t {
        broadcast,         ///< `packet` to the audience.
        join,              ///< The audience enters `names`.
        leave,             ///< The audience leaves `names`.
        disconnect,        ///< The audience is disconnected, its connections too if `close`.
        server_side_emit,  ///< `packet` to the handlers of the other servers.
    };
    kind what = kind::broadcast;
    audience to;
    std::vector<std::string> names;
    std::string event;                 ///< Of a packet: its name,
    std::string arguments;             ///< its other values, JSON with commas between them,
    std::vector<message> attachments;  ///< and what the placeholders in it stand for.
    bool droppable = false;
    bool uncompressed = false;
    std::string latest;  ///< The key that it is the newest of; empty for none.
    bool close = false;
};

/// What an adapter may do to the server it belongs to. **Threads**: any.
class adapter_target {
public:
    /// Does what another server asked for, to this server's sockets only.
    virtual void apply(const cluster_message& what) = 0;

protected:
    ~adapter_target() = default;
};

/// The link between the Socket.IO servers of a cluster. Without one a server is alone.
///
/// A server calls `publish` for what it does beyond its own process, and the adapter calls
/// `adapter_target::apply` for what the others did. A server never gets its own messages back.
class adapter {
public:
    adapter() = default;
    adapter(const adapter&) = delete;
    adapter& operator=(const adapter&) = delete;
    virtual ~adapter() = default;

    /// Called once, before the server runs and when its loops are known: what is applied at once is
    /// done when they run. **Lifetime**: of the target, until `stop`.
    virtual void start(adapter_target& target) = 0;
    /// Called once, after the server ran: no call of the target after this one.
    virtual void stop() noexcept = 0;
    /// Tells the others. **Threads**: any, several at once; must not block. Between `start` and `stop`
    /// only, but a call may still be under way when `stop` is called.
    virtual void publish(std::shared_ptr<const cluster_message> what) = 0;
};

}  // namespace weft::socketio
