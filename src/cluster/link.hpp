#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <weft/base/log.hpp>
#include <weft/base/metrics.hpp>
#include <weft/base/time.hpp>
#include <weft/base/unique_function.hpp>
#include <weft/cluster/gap.hpp>
#include <weft/cluster/options.hpp>
#include <weft/net/loop.hpp>

#include "cluster/redis/router.hpp"

namespace weft::cluster {

/// What messages between nodes are about.
enum class traffic : std::uint8_t {
    topics,      ///< What is published to topics.
    broadcasts,  ///< What a Socket.IO server does to sockets, and `server_side_emit`.
    requests,    ///< Of these, and of questions, what wants an answer.
    answers,
};

/// What was said over Redis.
struct link_metrics {
    struct flow {
        counter published, received;
    };
    std::array<flow, 4> flows;  // by `traffic`
    counter ignored, dropped, questions, silent, gaps;

    [[nodiscard]] flow& of(traffic what) noexcept { return flows[static_cast<std::size_t>(what)]; }
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
    void publish(traffic what, redis::channel_kind kind, std::string_view channel,
                 std::string_view body);
    /// Subscribes; a refusal is logged.
    void subscribe(redis::channel_kind kind, std::string_view channel,
                   redis::message_handler handler, redis::subscribed_handler done = {});
    /// A message to others cannot be written: counts, and logs once a minute.
    void drop(const std::string& why);
    /// What other nodes said was lost: counts a gap, and logs it.
    void lose(const std::string& why);
    /// A message of another node was ignored: counts, and logs once a minute.
    void ignore(std::string_view channel, std::error_code why);

    /// Whether Redis is there, or has not been away for too long. **Threads**: any.
    [[nodiscard]] result<void> ready() const;
    /// Of all that was said, and of the connections. **Threads**: any.
    void visit_metrics(metric_visitor visit) const;
    link_metrics metrics;
    /// Told on the home loop. Set it before `join`.
    unique_function<void(gap)> on_gap;

private:
    void log(log_level level, const std::string& line) const {
        if (log_ != nullptr) log_->write({level, "cluster", line});
    }
    /// Whether a line of this kind is due.
    bool is_due(std::optional<time_point>& last) const;
    void await_redis();
    void tell_gap(gap now);

    const options chosen_;
    log_sink* const log_;
    std::string uid_;
    std::optional<loop_ref> home_;
    std::unique_ptr<redis::router> redis_;
    bool in_gap_ = false;
    static constexpr time_point never = time_point::min();
    static constexpr time_point not_away = time_point::max();
    /// Since when Redis is away, by the machine's clock, so that any thread can tell.
    std::atomic<time_point> away_since_{never};
    std::optional<time_point> told_drop_, told_ignored_;
};

}  // namespace weft::cluster
