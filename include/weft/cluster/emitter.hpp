#pragma once

#include <memory>
#include <string_view>
#include <utility>

#include <weft/base/result.hpp>
#include <weft/base/unique_function.hpp>
#include <weft/cluster/options.hpp>
#include <weft/net/loop.hpp>
#include <weft/socketio/arguments.hpp>
#include <weft/socketio/cluster_message.hpp>

namespace weft::cluster {

class emitter;

/// A chain of calls about the sockets of a cluster: `emitter.to("lobby").emit("said", text)`. It
/// reaches the sockets that are in any of the rooms; without rooms all of the namespace.
/// **Threads**: the loop's. **Lifetime**: the emitter's.
class emission {
public:
    [[nodiscard]] emission&& to(std::string_view room) && {
        what_.to.rooms.emplace_back(room);
        return std::move(*this);
    }
    /// Leaves out the sockets in this room. The id of a socket is also a room.
    [[nodiscard]] emission&& except(std::string_view room) && {
        what_.to.except.emplace_back(room);
        return std::move(*this);
    }
    /// Not to clients that are behind.
    [[nodiscard]] emission&& volatile_() && {
        what_.droppable = true;
        return std::move(*this);
    }
    /// Sends an event. **Errors** (of all below): why Redis does not get it.
    template <class... Args>
    result<void> emit(std::string_view event, const Args&... args) && {
        return send(socketio::cluster_message::kind::broadcast, event,
                    socketio::detail::encode_arguments(args...));
    }
    result<void> sockets_join(std::string_view room) && {
        what_.names.emplace_back(room);
        return send(socketio::cluster_message::kind::join, {}, {});
    }
    result<void> sockets_leave(std::string_view room) && {
        what_.names.emplace_back(room);
        return send(socketio::cluster_message::kind::leave, {}, {});
    }
    /// `close`: their connections, too.
    result<void> disconnect_sockets(bool close = false) && {
        what_.close = close;
        return send(socketio::cluster_message::kind::disconnect, {}, {});
    }
    /// Calls the handlers of all servers. Rooms do not matter.
    template <class... Args>
    result<void> server_side_emit(std::string_view event, const Args&... args) && {
        return send(socketio::cluster_message::kind::server_side_emit, event,
                    socketio::detail::encode_arguments(args...));
    }

private:
    friend class emitter;
    emission(emitter& by, std::string_view nsp) : by_(&by) { what_.to.nsp = nsp; }
    result<void> send(socketio::cluster_message::kind kind, std::string_view event,
                      socketio::encoded_arguments args);

    emitter* by_;
    socketio::cluster_message what_;
};

/// Speaks to the Socket.IO servers of a cluster, Weft's and Node's, without being one of them: for
/// workers and scripts. As npm's @socket.io/redis-emitter.
///
///     weft::cluster::emitter to_all(loop.ref(), {.redis = {.host = "redis"}});
///     to_all.start();
///     to_all.to("lobby").emit("said", "hello");
///
/// **Threads**: the loop's.
class emitter {
public:
    emitter(loop_ref loop, options chosen);
    ~emitter();
    emitter(const emitter&) = delete;
    emitter& operator=(const emitter&) = delete;

    /// Connects; what is sent before waits. **Errors**: of the options.
    result<void> start();
    /// Calls `done`, in another turn, when Redis has confirmed all that was sent, or with the first
    /// reason why it has not.
    void flush(unique_function<void(result<void>)> done);

    /// In the namespace of this name.
    [[nodiscard]] emission of(std::string_view nsp) { return emission(*this, nsp); }
    [[nodiscard]] emission to(std::string_view room) { return of("/").to(room); }
    [[nodiscard]] emission except(std::string_view room) { return of("/").except(room); }
    template <class... Args>
    result<void> emit(std::string_view event, const Args&... args) {
        return of("/").emit(event, args...);
    }

private:
    friend class emission;
    class core;
    std::unique_ptr<core> core_;
};

}  // namespace weft::cluster
