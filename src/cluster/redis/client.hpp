#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string_view>

#include <weft/base/metrics.hpp>
#include <weft/base/result.hpp>
#include <weft/base/unique_function.hpp>
#include <weft/cluster/gap.hpp>
#include <weft/net/loop.hpp>

#include "cluster/redis/connection.hpp"
#include "cluster/redis/retry.hpp"

namespace weft::cluster::redis {

enum class channel_kind : std::uint8_t {
    plain,    ///< SUBSCRIBE and PUBLISH.
    pattern,  ///< PSUBSCRIBE: all channels whose names match.
    shard,    ///< SSUBSCRIBE and SPUBLISH, from Redis 7 on.
};

/// Gets a message: the channel it was published on, and what it says. The views are valid during
/// the call.
using message_handler = unique_function<void(std::string_view channel, std::string_view payload)>;
/// Gets the outcome of a subscription.
using subscribed_handler = unique_function<void(result<void>)>;

/// Names of channels may be so long. **Units**: bytes.
inline constexpr std::size_t max_channel_name = 16 * 1024;

/// A client of one Redis server (of a Redis Cluster: of the node at `host`), with one connection
/// for commands and one for subscriptions. Both come back by themselves.
///
/// No function here calls a handler before it returns. Exceptions of handlers are logged and
/// counted. Destroying the client is allowed in each of its handlers; those who wait are then
/// answered with `closed_locally` in another turn of the loop.
/// **Threads**: the loop's. **Lifetime**: may outlive the loop.
class client {
public:
    client(loop_ref loop, redis_options wanted);
    /// Shares counters and TLS with other clients.
    client(std::shared_ptr<connection_home> home, redis_options wanted);
    ~client();
    client(const client&) = delete;
    client& operator=(const client&) = delete;

    /// Begins to connect. Blocks on the file system for TLS. **Errors**: of the options;
    /// `wrong_thread`, `invalid_state` the second time, `shutting_down`.
    result<void> start();

    /// Sends a command, or keeps it until there is a connection. `done`, if any, is called exactly
    /// once: with the reply; or with `refused_by_server`, `timed_out`, `connection_lost` when the
    /// command may or may not have been executed, `closed_locally`, `shutting_down`.
    /// **Errors**: `queue_full`, `wrong_thread`, `invalid_state`, `shutting_down`; `done` is then
    /// not called.
    result<void> command(std::span<const std::string_view> arguments, reply_handler done = {},
                         const command_options& how = {});
    result<void> command(std::initializer_list<std::string_view> arguments,
                         reply_handler done = {}) {
        return command(std::span(arguments.begin(), arguments.size()), std::move(done));
    }
    /// The reply is the number of receivers on this server. **Errors**: as for `command`;
    /// `invalid_argument` for a pattern.
    result<void> publish(channel_kind kind, std::string_view channel, std::string_view payload,
                         reply_handler done = {});

    /// Receives messages until `unsubscribe`, over all losses of the connection. `done` is called
    /// exactly once: when the server has confirmed, however long that takes; or why it does not
    /// become one: `refused_by_server`, `closed_locally`, `shutting_down`.
    /// **Errors**: `invalid_state` before `start` and for a channel that is subscribed,
    /// `invalid_argument` for a name of more than 16 KiB, `wrong_thread`, `shutting_down`; `done`
    /// is then not called.
    result<void> subscribe(channel_kind kind, std::string_view channel, message_handler handler,
                           subscribed_handler done = {});
    /// The handler is not called any more. False if there was none.
    bool unsubscribe(channel_kind kind, std::string_view channel);

    /// Told of losses of the connection for subscriptions.
    void on_gap(unique_function<void(gap)> handler);
    /// Told whenever the connection for commands has opened.
    void on_open(unique_function<void()> handler);
    /// Told of a subscription that was confirmed once and that the server refused to restore: it
    /// is none any more. Without a handler the log is told.
    using refused_handler = unique_function<void(channel_kind, std::string_view, const error&)>;
    void on_refused(refused_handler handler);

    /// Whether both connections are open.
    [[nodiscard]] bool is_open() const noexcept;
    /// Whether that for commands is.
    [[nodiscard]] bool takes_commands() const noexcept;
    [[nodiscard]] const redis_metrics& metrics() const noexcept;

private:
    class core;
    std::shared_ptr<core> core_;
};

}  // namespace weft::cluster::redis
