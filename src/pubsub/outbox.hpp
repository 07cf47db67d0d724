#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <weft/base/function_ref.hpp>
#include <weft/base/metrics.hpp>
#include <weft/pubsub/message.hpp>

#include "base/byte_budget.hpp"
#include "base/histogram.hpp"
#include "base/siphash.hpp"

namespace weft::pubsub {

/// Counters of what queues did on one loop.
struct queue_metrics {
    counter queued, dropped_newest, dropped_oldest, dropped_at_close, dropped_on_the_way, conflated,
        closed, published, delivered, topics, subscriptions;
    size_histogram depths;        ///< What waited when one more message had to.
    time_histogram fanout_times;  ///< Of one publication in `hub::timed_one_of`.
    void visit(metric_visitor visitor) const;
};

/// The messages that wait for one slow connection, whole and in order, under a policy. It exists
/// only while the connection is behind. Messages that belong together wait, are replaced and are
/// given up together; the first one speaks for all and they count as one.
class outbox {
public:
    /// `limit`: bytes that may wait, the ones in front of this box (`ahead`) included. A message
    /// that finds nothing waiting may be larger: the limit is then for what comes behind it. What
    /// they really take is charged to `memory`; a message that waits in several boxes counts in
    /// each.
    outbox(std::size_t limit, queue_metrics& metrics, byte_budget& memory)
        : limit_(limit), metrics_(metrics), charge_(memory, fixed_cost) {}
    outbox(const outbox&) = delete;
    outbox& operator=(const outbox&) = delete;
    /// Whatever still waits is lost, and counted.
    ~outbox() { metrics_.dropped_at_close.add(waiting_.size()); }

    /// Accepts the messages, at least one, or does with them what the policy says. `closed` means
    /// that the caller must close. `wire_size` is what they will occupy when sent; `ahead` what the
    /// stream has queued in front.
    send_status push(std::span<const message> group, std::size_t wire_size, std::size_t ahead,
                     overflow_policy policy);
    send_status push(const message& what, std::size_t wire_size, std::size_t ahead,
                     overflow_policy policy) {
        return push(std::span(&what, 1), wire_size, ahead, policy);
    }

    [[nodiscard]] bool empty() const noexcept { return waiting_.empty(); }
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
    /// The numbers of the oldest group and of the next one that will wait.
    [[nodiscard]] std::uint64_t oldest() const noexcept { return first_; }
    [[nodiscard]] std::uint64_t next() const noexcept { return first_ + waiting_.size(); }
    /// What they take.
    [[nodiscard]] std::size_t memory() const noexcept { return cost_; }
    /// Takes the oldest group, of which there must be one, out of the box and calls `send(group)`.
    void take(function_ref<void(std::span<const message>)> send);

private:
    struct entry {
        message first;
        std::vector<message> others;
        std::size_t wire_size;

        [[nodiscard]] std::size_t cost() const noexcept;
    };
    static const std::size_t fixed_cost;
    entry pop();
    void recount(std::size_t added, std::size_t gone) noexcept;
    /// Puts the messages in the place of those that wait under the same key, if it may.
    bool replace(std::span<const message> group, std::size_t wire_size, std::size_t ahead);

    std::size_t limit_;
    queue_metrics& metrics_;
    std::deque<entry> waiting_;
    std::uint64_t first_ = 0;  // the sequence number of waiting_.front()
    // Sequence numbers of what may be replaced; the keys lie in the messages.
    std::unordered_map<std::string_view, std::uint64_t, keyed_hash> by_key_;
    std::size_t bytes_ = 0;
    std::size_t beyond_ = 0;  // the first one, if it alone is above the limit
    std::size_t cost_ = 0;    // of what waits
    byte_charge charge_;
};

}  // namespace weft::pubsub
