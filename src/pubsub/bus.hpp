#pragma once

#include <cstddef>
#include <string_view>

#include <weft/pubsub/message.hpp>

#include "pubsub/topic_key.hpp"

namespace weft::pubsub {

/// Who wants to know which topics of one owner have subscribers.
/// **Threads**: called on the loops' threads, several at once. **Lifetime**: outlives the hubs.
class topic_watcher {
public:
    /// A loop has its first subscriber to the topic. Throws `std::bad_alloc`: then nobody is
    /// subscribed.
    virtual void on_used(topic_key topic) = 0;
    /// A loop has lost its last one.
    virtual void on_unused(topic_key topic) noexcept = 0;
    /// What it keeps of a used topic, which the loop's budget is charged for. Always the same for a
    /// topic. **Units**: bytes.
    [[nodiscard]] virtual std::size_t memory_of(topic_key topic) const noexcept = 0;

protected:
    ~topic_watcher() = default;
};

/// What connects the topics of the program with those of other processes. The processes that
/// subscribe get what is published here; what they publish comes by `exchange::publish_here`.
class bus : public topic_watcher {
public:
    /// Tells the other processes; this one has its own already. Must not block.
    /// **Threads**: any. What one thread publishes stays in order.
    virtual void publish(std::string_view topic, const message& what) = 0;

protected:
    ~bus() = default;
};

}  // namespace weft::pubsub
