#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <new>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <weft/base/metrics.hpp>
#include <weft/socketio/ack.hpp>

#include "base/user_boundary.hpp"
#include "net/slab.hpp"
#include "socketio/core.hpp"
#include "socketio/proto/error_counters.hpp"
#include "socketio/scratch_pool.hpp"
#include "socketio/socket_core.hpp"
#include "ws/connection_core.hpp"

namespace weft::socketio {

inline constexpr std::string_view handler_exceptions_name =
    "weft_socketio_handler_exceptions_total";
inline constexpr std::string_view handler_exceptions_help = "What handlers threw.";

/// One loop's counters of Socket.IO.
struct metrics {
    counter clients, sockets, connected, refused, events_received, events_sent, acks_received,
        acks_sent, acks_timed_out, acks_unknown, unhandled_events, refused_events,
        handler_exceptions, recovered, recoveries_failed;
    error_counters errors;
    void visit(metric_visitor visitor) const;
};

/// An acknowledgement that one socket owes us.
struct pending_ack final : net::timer_node {
    pending_ack(socket_core& by, std::uint32_t named, detail::ack_callback told) noexcept;
    ~pending_ack();
    static void fire(net::timer_node& node);

    socket_core& owner;
    std::uint32_t id;
    detail::ack_callback on_ack;
    pending_ack* next;  // of the owner's
    pending_ack** to_me;
    byte_charge charge;
};

namespace detail {

struct broadcast_wait;
class recovery_log;
class stored_recovery;
class reply_collector;

/// Something that is done on several loops. **Threads**: run on all of them at once.
class operation {
public:
    operation() = default;
    operation(const operation&) = delete;
    operation& operator=(const operation&) = delete;
    virtual ~operation() = default;
    virtual void run(loop_context& context) const = 0;
};

/// What a Socket.IO server has on one loop.
///
/// What one loop tells the others goes through `forward`, in one order: a broadcast and the leaving
/// of its room never overtake each other.
/// **Threads**: the loop's, except for what says any. **Lifetime**: shared with those who keep a
/// name of a socket; after `close` it does nothing.
class loop_context final : public ack_route, public std::enable_shared_from_this<loop_context> {
public:
    loop_context(server_core& owner, ws::connection_shared& below);
    ~loop_context() override;

    // ack_route, any thread
    void acknowledge(std::uint64_t peer, std::uint64_t id,
                     const encoded_arguments& what) noexcept override;
    void acknowledge(std::uint64_t peer, std::uint64_t id,
                     encoded_arguments&& what) noexcept override;
    void refuse(std::uint64_t peer, std::optional<std::uint64_t> id,
                const error& why) noexcept override;
    void failed(std::uint64_t peer, std::optional<std::uint64_t> id, std::exception_ptr thrown,
                std::string_view event) noexcept override;

    /// Null once closed.
    [[nodiscard]] server_core* core() const noexcept { return core_; }
    /// Whether the caller may use all this. **Threads**: any.
    [[nodiscard]] bool on_thread() const noexcept { return ref_.in_loop_thread(); }
    /// **Threads**: any. False when the loop is gone; the task is destroyed then.
    bool post(unique_function<void()> task) { return ref_.post(std::move(task)); }
    /// **Threads**: any.
    [[nodiscard]] const loop_ref& ref() const noexcept { return ref_; }
    [[nodiscard]] net::loop_core& loop() const noexcept { return loop_; }
    [[nodiscard]] pubsub::hub& hub() const noexcept { return below_.hub; }
    [[nodiscard]] ws::connection_shared& below() const noexcept { return below_; }
    /// A topic of this server: a namespace's, or a room's, see `append_room_topic`.
    [[nodiscard]] pubsub::topic_key topic(std::string_view name) const noexcept {
        return {topics_, name};
    }

    [[nodiscard]] socket_core* find(socket_key key) noexcept {
        return core() == nullptr ? nullptr
                                 : sockets.find(static_cast<std::uint32_t>(key >> 32U),
                                                static_cast<std::uint32_t>(key));
    }
    /// Fills in 20 characters that nobody can foresee. **Errors**: false without entropy.
    [[nodiscard]] bool draw_id(std::span<char, 20> into) noexcept;

    /// A namespace that a pattern made on this loop, or null; made when it may be.
    [[nodiscard]] std::shared_ptr<const space_info> find_child(std::string_view name) const;
    [[nodiscard]] std::shared_ptr<const space_info> make_child(const space_info& pattern,
                                                               std::string_view name);
    template <class F>
    void each_child(F use) const {
        for (const auto& [name, made] : children_) use(*made->info);
    }
    /// A socket asks for a namespace, or is gone for good: one that a pattern made stays while it
    /// is used, and goes at the latest when there are too many.
    void use_child(const space_info& info) noexcept;
    void leave_child(const space_info& info) noexcept;
    /// A socket of a namespace was connected, or has left it.
    void count_socket(const space_info& space, bool entered) noexcept;

    /// Runs what users gave us: see `user_boundary`. `about` may be null.
    template <class F>
    bool guarded(std::string_view callback, const socket_core* about, F&& call,
                 std::string_view event = {}) noexcept {
        return users.call(std::forward<F>(call),
                          [callback, about, event] { return place_of(callback, about, event); });
    }
    /// Does work that allocates. False when memory is out: then it is as if it had come too late.
    template <class F>
    bool within_memory(F&& work) noexcept {
        try {
            work();
            return true;
        } catch (const std::bad_alloc&) {
            return false;
        }
    }
    [[nodiscard]] static user_place place_of(std::string_view callback, const socket_core* about,
                                             std::string_view event = {});
    /// Counts, and tells the namespace's `on_error`.
    /// Counts what a peer did wrong or which limit it met, and has it logged. `where` is a
    /// namespace or a path, `value` what it sent.
    [[gnu::cold]] void note(errc why, const peer* from, std::string_view where,
                            std::string_view value = {}) noexcept;
    void tell_error(socket_core& s, const error& why) noexcept;

    /// On every other loop, after this turn, in order.
    void forward(std::shared_ptr<const operation> what);

    void wait_for_ack(socket_core& s, std::uint32_t id, duration limit, ack_callback on_ack);
    /// Ends a wait: tells the callback.
    void settle(pending_ack& wait, const result<raw_arguments>& answer);
    /// An ACK packet; unknown ids are ignored.
    void on_ack(socket_core& s, std::uint64_t id, const raw_arguments& answer);
    /// The socket is gone: whatever it owes us fails.
    void forget_acks(socket_core& s);

    /// After the loop has shut down.
    void close() noexcept;

    net::slab<socket_core> sockets;
    socketio::metrics metrics;
    user_boundary users;
    // Where clients recover: one of the two. Without a store for all servers, the first.
    std::unique_ptr<recovery_log> recovery;
    std::unique_ptr<stored_recovery> stored;
    std::unordered_map<std::uint32_t, std::unique_ptr<pending_ack>> pending;
    std::unordered_map<std::uint32_t, std::unique_ptr<broadcast_wait>> asked;  // of our sockets
    std::unordered_set<std::shared_ptr<reply_collector>> collecting;  // answers to broadcasts
    scratch_pool<std::string> texts;                                  // packets being written
    scratch_pool<std::vector<message>> groups;               // packets with their attachments
    scratch_pool<std::vector<std::string_view>> name_lists;  // topics of audiences

    /// Leaving sockets, for the turn that is posted.
    void finish_later(socket_core& s);

private:
    void flush() noexcept;
    void finish_leaving() noexcept;
    template <class Args>
    void acknowledge_from_anywhere(std::uint64_t peer, std::uint64_t id, Args&& what) noexcept;

    server_core* core_;
    const pubsub::topic_owner topics_;
    const loop_ref ref_;
    net::loop_core& loop_;
    ws::connection_shared& below_;
    struct child {
        std::shared_ptr<const space_info> info;
        byte_charge charge;
        std::size_t users = 0;  // sockets, asking ones too
    };
    using child_list = std::list<child>;
    void drop_child(child_list::iterator which) noexcept;

    by_name<child_list::iterator> children_;
    child_list used_, unused_;  // the one unused for the longest first
    std::vector<std::shared_ptr<const operation>> outgoing_;
    std::vector<socket_key> leaving_;
    net::timer leave_timer_;
};

}  // namespace detail
}  // namespace weft::socketio
