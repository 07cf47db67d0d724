#pragma once

#include <array>
#include <cstdint>
#include <list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "cluster/redis/client.hpp"
#include "cluster/redis/proto/slot.hpp"
#include "cluster/redis/proto/topology.hpp"

namespace weft::cluster::redis {

/// A client of a Redis Cluster: a client of each node, the map of slots, and the book of
/// subscriptions. Made by `router`, which says what the calls do.
/// **Threads**: the loop's. **Lifetime**: shared with its handlers; its owner calls `leave`.
class cluster_client final : public std::enable_shared_from_this<cluster_client> {
public:
    cluster_client(std::shared_ptr<connection_home> home, redis_options wanted);
    ~cluster_client();
    cluster_client(const cluster_client&) = delete;
    cluster_client& operator=(const cluster_client&) = delete;

    result<void> start();
    result<void> command(std::string_view key, std::span<const std::string_view> arguments,
                         reply_handler done);
    result<void> subscribe(channel_kind kind, std::string_view channel, message_handler handler,
                           subscribed_handler done);
    bool unsubscribe(channel_kind kind, std::string_view channel);
    void leave() noexcept;
    [[nodiscard]] bool is_open() const noexcept;

    unique_function<void(gap)> on_gap;

private:
    struct node;          // and the client that talks to it
    struct routed;        // a command that may go on to another node
    struct subscription;  // of the user; it is at one node at a time
    class ending;         // what answers those who wait when all is over
    using routed_ptr = std::shared_ptr<routed>;
    using subscription_ptr = std::shared_ptr<subscription>;
    struct string_hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const noexcept {
            return std::hash<std::string_view>()(text);
        }
    };
    using book = std::unordered_map<std::string, subscription_ptr, string_hash, std::equal_to<>>;

    // Nodes and slots.
    node* node_at(const std::string& host, std::uint16_t port);
    void add_seeds();
    void drop_idle_nodes();
    void give(std::uint16_t slot, node* to) noexcept;
    node* follow(const redirection& where, const redis_address& from);
    void want_map() noexcept;
    void fetch_map();
    node* whom_to_ask() noexcept;
    void map_came(const redis_address& from, const result<reply_view>& reply);
    void apply(const std::vector<slot_range>& map, const redis_address& from);
    void tick();
    // Commands.
    result<void> send(node& to, const routed_ptr& what);
    void send_on(node* to, const routed_ptr& what);
    void await_node(const routed_ptr& what);
    void send_waiting();
    void expire_waiting();
    void answered(const routed_ptr& what, const redis_address& by, result<reply_view> reply);
    // Subscriptions.
    void place(const subscription_ptr& one);
    void placed(const subscription_ptr& one, const result<void>& how);
    void not_placed(const subscription_ptr& one, const error& why);
    void refused(channel_kind kind, std::string_view name, const error& why);
    void settle(const subscription_ptr& one);
    void lose(subscription& one) noexcept;
    void update_gap() noexcept;
    void finish(const error& why) noexcept;
    template <class F>
    void within_memory(F&& what) noexcept;
    [[nodiscard]] net::loop_core& loop() const noexcept { return *home_->loop.core(); }
    [[nodiscard]] book& book_of(channel_kind kind) noexcept {
        return books_[static_cast<std::size_t>(kind)];
    }

    const std::shared_ptr<connection_home> home_;
    const redis_options wanted_;
    std::vector<std::unique_ptr<node>> nodes_;
    std::array<node*, slot_count> slots_{};
    std::array<book, 3> books_;
    std::list<routed_ptr> waiting_;  // for a node that serves their slot
    std::shared_ptr<std::uint64_t> queued_ = std::make_shared<std::uint64_t>(0);
    std::size_t lost_ = 0;  // subscriptions that were in place and are not now
    std::size_t next_asked_ = 0;
    redis_address hint_{{}, 0};  // the node that knew better than the map
    time_point asked_at_{};      // for the map
    bool started_ = false;
    bool has_map_ = false;
    bool map_wanted_ = true;
    bool asking_ = false;
    bool unplaced_ = false;  // some subscription waits for a node
    bool in_gap_ = false;
    bool complained_ = false;
    bool left_ = false;
    net::timer ask_again_;
    net::timer tick_;
    net::timer expiry_;
    timer_ref loop_end_;
};

}  // namespace weft::cluster::redis
