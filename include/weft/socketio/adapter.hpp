#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include <weft/base/function_ref.hpp>
#include <weft/base/result.hpp>
#include <weft/base/time.hpp>
#include <weft/net/loop.hpp>
#include <weft/socketio/arguments.hpp>
#include <weft/socketio/cluster_message.hpp>
#include <weft/socketio/recovery_store.hpp>
#include <weft/socketio/remote_socket.hpp>

namespace weft::socketio {

/// Takes the answers to a question. **Threads**: the home loop's; see `adapter::start`.
class cluster_answers {
public:
    cluster_answers() = default;
    cluster_answers(const cluster_answers&) = delete;
    cluster_answers& operator=(const cluster_answers&) = delete;
    virtual ~cluster_answers() = default;

    /// One server has sent the event to so many sockets, of each of which a `reply` may come.
    virtual void expect(std::size_t sockets) = 0;
    /// A socket, or a server, has answered with these arguments.
    virtual void reply(const raw_arguments& what) = 0;
    virtual void found(std::vector<remote_socket> sockets) = 0;
    /// The last call: all have answered, or the time is over.
    virtual void end(const silent_servers& silent) = 0;
};

/// What an adapter can do to its server: to the sockets of this process only.
class adapter_target {
public:
    /// Calls `visit` for each namespace that the program has named.
    virtual void each_namespace(function_ref<void(std::string_view)> visit) const = 0;
    /// Does what another server did. **Threads**: any; for what has a place in the log the home
    /// loop's, in order.
    virtual void apply(const cluster_message& what) = 0;
    /// All that the log has up to here was applied, or was for nobody here. **Threads**: the home
    /// loop's.
    virtual void passed(log_position at) = 0;
    /// Answers what another server asks; what its sockets do not answer within `limit` is left
    /// out. `to` is called until its `end`, perhaps before this returns. **Threads**: the home
    /// loop's.
    virtual void answer(const cluster_message& what, duration limit,
                        std::shared_ptr<cluster_answers> to) = 0;

protected:
    ~adapter_target() = default;
};

/// The link between the Socket.IO servers of a cluster.
///
/// The server calls `publish` and `ask` for what it does beyond its own process. The adapter calls
/// the `adapter_target` for what the other servers do. It must not give a server its own messages
/// back.
class adapter {
public:
    adapter() = default;
    adapter(const adapter&) = delete;
    adapter& operator=(const adapter&) = delete;
    virtual ~adapter() = default;

    /// Called once, before `start`, by a server whose clients can recover. Null: the adapter keeps
    /// nothing, and clients recover on the server that they were connected to. **Lifetime**: the
    /// adapter's.
    [[nodiscard]] virtual recovery_store* open_store() { return nullptr; }
    /// Called once, before the server runs, when its loops exist. What you apply here is done when
    /// the loops run. `home` is the loop to work on. **Lifetime**: the target is valid until
    /// `stop`. **Errors**: why the server cannot take part; it does not run then.
    virtual result<void> start(adapter_target& target, loop_ref home) = 0;
    /// Called once, after the server ran. Do not call the target afterwards.
    virtual void stop() noexcept = 0;

    // Called after `start` and before `stop`; a call may still run when `stop` is called.
    // **Threads** (all below): any, several at once. Must not block.

    /// Tells the other servers.
    virtual void publish(std::shared_ptr<const cluster_message> what) = 0;
    /// Asks them. `to` gets what comes within `limit`, then its `end`; never before this returns.
    virtual void ask(std::shared_ptr<const cluster_message> what, duration limit,
                     std::shared_ptr<cluster_answers> to) = 0;
    /// One loop has its first socket in a room, or in the namespace if `room` is empty. Throws
    /// `std::bad_alloc`: then the socket does not enter.
    virtual void on_used(std::string_view nsp, std::string_view room) { (void)nsp, (void)room; }
    /// What it keeps of a room that is used, which the loop's budget is charged for. **Units**:
    /// bytes.
    [[nodiscard]] virtual std::size_t memory_of(std::string_view nsp,
                                                std::string_view room) const noexcept {
        (void)nsp, (void)room;
        return 0;
    }
    /// One loop has lost its last one.
    virtual void on_unused(std::string_view nsp, std::string_view room) noexcept {
        (void)nsp, (void)room;
    }
};

}  // namespace weft::socketio
