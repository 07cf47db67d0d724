#pragma once

#include <initializer_list>
#include <memory>
#include <span>
#include <string_view>

#include "cluster/redis/client.hpp"

namespace weft::cluster::redis {

class cluster_client;

/// Redis, whatever it is: a server, the master that Sentinel names, or a Redis Cluster, of which
/// each command and each channel goes to the node that serves its slot, wherever that moves.
///
/// Handlers, threads and lifetime are those of `client`.
class router {
public:
    router(loop_ref loop, redis_options wanted);
    ~router();
    router(const router&) = delete;
    router& operator=(const router&) = delete;

    /// As `client::start`.
    result<void> start();

    /// As `client::command`. `key` says which node of a Redis Cluster it goes to; all keys of a
    /// command must be of one slot ({hash tags}). A command that a node sends to another may so be
    /// sent several times, but is executed once.
    /// **Errors**: in addition `redirected_too_often`, and `refused_by_server` or `timed_out` when
    /// no node serves the slot for `command_timeout`.
    result<void> command(std::string_view key, std::span<const std::string_view> arguments,
                         reply_handler done = {});
    result<void> command(std::string_view key, std::initializer_list<std::string_view> arguments,
                         reply_handler done = {}) {
        return command(key, std::span(arguments.begin(), arguments.size()), std::move(done));
    }
    /// As `client::publish`. The receivers of a Redis Cluster are not those of one node: the number
    /// in the reply says little there.
    result<void> publish(channel_kind kind, std::string_view channel, std::string_view payload,
                         reply_handler done = {});

    /// As `client::subscribe`. The subscription follows its slot.
    result<void> subscribe(channel_kind kind, std::string_view channel, message_handler handler,
                           subscribed_handler done = {});
    bool unsubscribe(channel_kind kind, std::string_view channel);

    /// As `client::on_gap`: `gap::ends` when all subscriptions are in place at all nodes.
    void on_gap(unique_function<void(gap)> handler);

    /// Whether all connections are open, to all nodes that serve slots.
    [[nodiscard]] bool is_open() const noexcept;
    [[nodiscard]] const redis_metrics& metrics() const noexcept { return home_->metrics; }

private:
    const std::shared_ptr<connection_home> home_;
    std::unique_ptr<client> alone_;          // unless it is a Redis Cluster
    std::shared_ptr<cluster_client> nodes_;  // if it is
};

}  // namespace weft::cluster::redis
