#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <weft/base/log.hpp>
#include <weft/base/metrics.hpp>
#include <weft/cluster/options.hpp>
#include <weft/net/loop.hpp>

#include "cluster/redis/router.hpp"

namespace weft::cluster {

/// What was said over Redis.
struct link_metrics {
    counter published, received, ignored, dropped, questions, silent, gaps;
    void visit(metric_visitor visitor) const;
};

/// A process' place in its cluster: a name, and the connection to Redis, on the home loop.
/// **Threads**: the home loop's; `join` while no loop runs. **Lifetime**: shared by
/// what uses it.
class link : public std::enable_shared_from_this<link> {
public:
    link(options chosen, log_sink* log);

    /// The first who joins connects. **Errors**: of the options, of entropy.
    result<void> join(loop_ref home);

    [[nodiscard]] const options& chosen() const noexcept { return chosen_; }
    /// Names this process: 16 hexadecimal digits that nobody else has. Empty before `join`.
    [[nodiscard]] const std::string& uid() const noexcept { return uid_; }
    /// 16 hexadecimal digits.
    [[nodiscard]] std::string draw_id();
    [[nodiscard]] const loop_ref& home() const noexcept { return *home_; }
    /// Once joined.
    [[nodiscard]] redis::router& redis() noexcept { return *redis_; }
    /// Publishes; what Redis cannot take is counted, and logged once a minute.
    void publish(redis::channel_kind kind, std::string_view channel, std::string_view body);
    /// Subscribes; a refusal is logged.
    void subscribe(redis::channel_kind kind, std::string_view channel,
                   redis::message_handler handler, redis::subscribed_handler done = {});
    /// A message to others cannot be written: counts, and logs once a minute.
    void drop(const std::string& why);
    /// What other nodes said was lost: counts a gap, and logs it.
    void lose(const std::string& why);
    /// A message of another node was ignored: counts, and logs once a minute.
    void ignore(std::string_view channel, std::error_code why);

    /// Of all that was said, and of the connections. **Threads**: any.
    void visit_metrics(metric_visitor visit) const;
    link_metrics metrics;

private:
    void log(log_level level, const std::string& line) const {
        if (log_ != nullptr) log_->write({level, "cluster", line});
    }
    /// Whether a line of this kind is due.
    bool is_due(std::optional<time_point>& last) const;

    const options chosen_;
    log_sink* const log_;
    std::string uid_;
    std::optional<loop_ref> home_;
    std::unique_ptr<redis::router> redis_;
    std::optional<time_point> told_drop_, told_ignored_;
};

}  // namespace weft::cluster
