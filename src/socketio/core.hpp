#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <weft/auth/verifier.hpp>
#include <weft/schema/schema.hpp>
#include <weft/socketio/ack.hpp>
#include <weft/socketio/adapter.hpp>
#include <weft/socketio/server.hpp>

#include "base/siphash.hpp"
#include "base/user_boundary.hpp"
#include "engineio/engine.hpp"
#include "pubsub/bus.hpp"
#include "socketio/proto/packet.hpp"

namespace weft::socketio::detail {

class loop_context;

/// For names that peers choose.
struct name_hash : keyed_hash {
    using is_transparent = void;
};
template <class T>
using by_name = std::unordered_map<std::string, T, name_hash, std::equal_to<>>;

/// What users registered for a namespace or a pattern. Changed before the loops run, then shared.
struct space_handlers {
    std::vector<middleware> middlewares;
    std::vector<filter> filters;
    std::vector<socket_handler<>> connect;
    std::vector<socket_handler<disconnect_reason>> disconnecting, disconnect;
    by_name<std::vector<event_handler>> events;
    by_name<schema> schemas;  // of events
    std::vector<unique_function<void(socket&, std::string_view, const raw_arguments&)>> any;
    std::vector<unique_function<void(std::string_view, const raw_arguments&)>> any_outgoing;
    std::vector<unique_function<void(socket&, const error&)>> error;
    std::vector<unique_function<void(std::string_view)>> new_namespace;
    by_name<std::vector<server_side_handler>> server_side;
    event_handler unhandled;
    std::vector<auth::verifier> verifiers;  // that `require` named
    std::atomic<std::size_t> sockets{0};
};

/// What any thread may know of a Socket.IO server, which may be gone: its loops, through whose
/// mailboxes everything goes, and its cluster.
/// **Threads**: any. **Lifetime**: shared by the server's namespaces and the names of its sockets.
class server_reach {
public:
    using loop_list = std::vector<std::shared_ptr<loop_context>>;

    server_reach(const options& chosen, log_sink* sink)
        : adapter(chosen.adapter), ack_timeout(chosen.ack_timeout), log(sink) {}

    /// All of them; none before they are known.
    [[nodiscard]] const loop_list& loops() const noexcept {
        return known_.load(std::memory_order_acquire) ? loops_ : none;
    }
    /// Once, by the server.
    void set_loops(loop_list all) noexcept {
        loops_ = std::move(all);
        known_.store(true, std::memory_order_release);
    }
    /// The loop that the calling thread runs, or null.
    [[nodiscard]] loop_context* here() const noexcept;
    /// Names an acknowledgement that we ask for. Below 2^31, which some clients need.
    [[nodiscard]] std::uint32_t next_ack_id() noexcept {
        return next_ack_.fetch_add(1, std::memory_order_relaxed) & 0x7FFF'FFFFU;
    }
    /// To the other servers of the cluster, while this one takes part in it.
    void publish(const std::shared_ptr<const cluster_message>& what) noexcept {
        if (!in_cluster.load(std::memory_order_acquire)) return;
        guarded([&] { adapter->publish(what); },
                [&] {
                    return user_place{.callback = "an adapter's publish",
                                      .event = what->event,
                                      .nsp = what->to.nsp};
                });
    }
    /// Asks the other servers, if this one takes part in a cluster. False if nobody was asked: `to`
    /// is not called then.
    bool ask(const std::shared_ptr<const cluster_message>& what, duration limit,
             const std::shared_ptr<cluster_answers>& to) noexcept {
        if (!in_cluster.load(std::memory_order_acquire)) return false;
        return guarded([&] { adapter->ask(what, limit, to); },
                       [&] {
                           return user_place{.callback = "an adapter's ask",
                                             .event = what->event,
                                             .nsp = what->to.nsp};
                       });
    }
    /// What keeps messages and sockets for all servers, where clients recover and there is one;
    /// null while this server takes part in no cluster.
    [[nodiscard]] recovery_store* store() const noexcept {
        return in_cluster.load(std::memory_order_acquire) ? store_ : nullptr;
    }
    /// Before `in_cluster`.
    void set_store(recovery_store* where) noexcept { store_ = where; }
    /// Tells all servers, this one too, through the store.
    void append(recovery_store& where, const std::shared_ptr<const cluster_message>& what,
                recovery_store::stored_handler stored) noexcept {
        guarded([&] { where.append(what, std::move(stored)); },
                [&] {
                    return user_place{
                        .callback = "a store's append", .event = what->event, .nsp = what->to.nsp};
                });
    }
    /// Runs what users gave us, on whatever thread: see `user_boundary`.
    template <class F, class Place>
    bool guarded(F&& call, const Place& place) noexcept {
        try {
            std::forward<F>(call)();
            return true;
        } catch (...) {
            thrown_.fetch_add(1, std::memory_order_relaxed);
            log_exception(log, "socketio", std::current_exception(), place);
            return false;
        }
    }
    /// What users' code threw that no loop ran.
    [[nodiscard]] std::uint64_t thrown() const noexcept {
        return thrown_.load(std::memory_order_relaxed);
    }

    /// Whether handlers and namespaces may be registered still; a refusal is logged.
    [[nodiscard]] bool may_register(std::string_view what) const noexcept;
    /// Whether an event may have this name; if not, the log says so. Clients end their connection
    /// at a name that Socket.IO uses itself, or that is not UTF-8.
    [[nodiscard]] bool may_emit(std::string_view event) const noexcept;

    const std::shared_ptr<socketio::adapter> adapter;
    const duration ack_timeout;
    log_sink* const log;
    std::atomic<bool> sealed{false};
    std::atomic<bool> in_cluster{false};

private:
    static const loop_list none;
    loop_list loops_;
    recovery_store* store_ = nullptr;
    std::atomic<bool> known_{false};
    std::atomic<std::uint32_t> next_ack_{0};
    std::atomic<std::uint64_t> thrown_{0};
};

/// A namespace's name, and what belongs to it. Of a namespace that a pattern made there is one per
/// loop. **Threads**: any.
struct space_info : std::enable_shared_from_this<space_info> {
    std::shared_ptr<server_reach> server;
    std::shared_ptr<space_handlers> handlers;
    std::string name;
    bool pattern = false;  ///< Not a namespace, but what makes them.
};

/// What `server_side_emit` tells the others.
[[nodiscard]] std::shared_ptr<const cluster_message> server_side_message(
    const space_info& info, std::string_view event, const encoded_arguments& args);
/// Asks the other servers' handlers; `on_reply` is called on the loop that this runs on, or on the
/// first.
void ask_servers(const space_info& info, std::string_view event, const encoded_arguments& args,
                 replies_callback on_reply);

/// Has the cluster's log bring an event to everyone, in the order of all servers. False: it is not
/// to be recovered, or not for the others, or there is no such log; nothing happened.
[[nodiscard]] bool append_to_log(const broadcast_target& target, std::string_view event,
                                 const encoded_arguments& args,
                                 recovery_store::stored_handler stored = {});
/// Delivers on all loops what the cluster's log has at this place. **Threads**: the first loop's.
void broadcast_logged(loop_context& context, const broadcast_target& target, std::string_view event,
                      const encoded_arguments& args, const log_position& at);
/// Ends the connections of the sockets of this id that came back less often than the one that it
/// belongs to now. Their stored sessions stay. **Threads**: any.
void supersede_sockets(const space_info& space, std::string_view id, std::uint64_t returns);
/// Tells all loops that the log has nothing more for them up to here. **Threads**: the first
/// loop's.
void pass_log(loop_context& context, const log_position& at);

/// The name of a room's topic among those of this server; the namespace's own has its name. A
/// namespace's name has no comma, so no two rooms share one.
inline void append_room_topic(std::string& out, const space_info& space, std::string_view room) {
    out += space.name;
    out += ',';
    out += room;
}

/// One `of_matching`.
struct space_pattern {
    predicate decide;
    space* made;
};

/// What all loops of one Socket.IO server share.
/// **Threads**: set up by one; once prepared, only read, except for what says so.
class server_core final : public module,
                          public adapter_target,
                          private pubsub::topic_watcher,
                          public std::enable_shared_from_this<server_core> {
public:
    server_core(options wanted, http::router& routes, log_sink* log);
    ~server_core() override;

    /// Before the loops are known: which of its host's modules this is.
    void set_number(std::size_t number) noexcept { topics_ = pubsub::owner_of_module(number); }
    /// Whose the topics of its namespaces and rooms are.
    [[nodiscard]] pubsub::topic_owner topics() const noexcept { return topics_; }
    space& of(std::string_view name);
    [[nodiscard]] std::shared_ptr<const space_info> main_space() { return of("/").info_; }
    space& add_pattern(std::string name, predicate decide);
    [[nodiscard]] const std::shared_ptr<const space_info>& info_of(const space& s) const noexcept;
    /// The namespace that `of` made, or null.
    [[nodiscard]] std::shared_ptr<const space_info> find(std::string_view name) const;
    [[nodiscard]] std::shared_ptr<const space_info> make_child(const space_info& pattern,
                                                               std::string_view name);

    // module
    result<void> prepare(const std::vector<ws::connection_shared*>& loops) override;
    void seal() noexcept override { reach->sealed = true; }
    [[nodiscard]] std::size_t clients() const noexcept override { return engine.sessions(); }
    [[nodiscard]] std::size_t polling(std::uint8_t loop) const noexcept override {
        return engine.polling(loop);
    }
    std::size_t close_some(std::uint8_t loop, net::slot_walk& walk,
                           std::size_t slots) noexcept override {
        return engine.close_some(loop, walk, slots);
    }
    void shut_down() noexcept override;
    void each_verifier(function_ref<void(const auth::verifier&)> use) const override;
    void visit_metrics(metric_visitor visit) const override;

    // adapter_target
    void each_namespace(function_ref<void(std::string_view)> visit) const override;
    void apply(const cluster_message& what) override;
    void passed(log_position at) override;
    void answer(const cluster_message& what, duration limit,
                std::shared_ptr<cluster_answers> to) override;

    const options chosen;
    const std::shared_ptr<server_reach> reach;
    const packet_limits limits;       ///< Of what clients send.
    const packet_limits sent_limits;  ///< Of what we send.
    const std::string epoch;          ///< Tells our recovery offsets from others'.
    log_sink* const log;
    engineio::engine engine;
    std::vector<space_pattern> patterns;
    /// Of a socket whose namespace is not known yet.
    const std::shared_ptr<space_handlers> no_handlers = std::make_shared<space_handlers>();

private:
    // topic_watcher: rooms are topics
    void on_used(pubsub::topic_key topic) override;
    void on_unused(pubsub::topic_key topic) noexcept override;
    std::size_t memory_of(pubsub::topic_key topic) const noexcept override;

    std::unique_ptr<space> make_space(std::string name, bool pattern);
    /// The namespace of what others say: one of ours, or one that reaches what a pattern made.
    [[nodiscard]] std::shared_ptr<const space_info> space_of(const cluster_message& what);
    /// Calls `on_server_side`. `answers` may be null: nobody waits for one.
    void tell_servers_handlers(const space_info& info, const cluster_message& what,
                               const std::shared_ptr<ack_route>& answers);

    pubsub::topic_owner topics_ = pubsub::owner_of_module(0);
    by_name<std::unique_ptr<space>> spaces_;
    std::vector<std::unique_ptr<space>> pattern_spaces_;
    std::unique_ptr<space> nowhere_;  // what those get who ask for a namespace too late
    http::router& routes_;
};

}  // namespace weft::socketio::detail
