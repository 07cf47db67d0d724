#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/siphash.hpp"
#include "cluster/interest.hpp"
#include "cluster/link.hpp"
#include "pubsub/bus.hpp"
#include "pubsub/hub.hpp"

namespace weft::cluster {

/// The topics of the program, over the pub/sub of Redis: a channel for each topic that somebody
/// here listens to, one publication for each topic and turn.
///
/// What is published while Redis is gone does not reach the other nodes; here nothing waits for it.
/// **Threads**: `start` and `stop` while no loop runs; the others as in `pubsub::bus`.
class topic_bus final : public pubsub::bus, public std::enable_shared_from_this<topic_bus> {
public:
    /// Before `start` it tells nobody anything.
    topic_bus(std::shared_ptr<link> over, const pubsub::exchange& topics, loop_ref home);

    result<void> start();
    void stop() noexcept;

    void on_used(pubsub::topic_key topic) override;
    void on_unused(pubsub::topic_key topic) noexcept override;
    std::size_t memory_of(pubsub::topic_key topic) const noexcept override {
        return subscription_memory(topic.name.size());
    }
    void publish(std::string_view topic, const message& what) override;

private:
    struct hash : keyed_hash {
        using is_transparent = void;
    };
    /// On the home loop, now or in its next turn.
    template <class F>
    void at_home(F task);
    [[nodiscard]] std::string channel_of(std::string_view topic) const;
    void add(std::string_view topic, const message& what);
    void flush();
    void receive(std::string_view channel, std::string_view topic, std::string_view body);

    const std::shared_ptr<link> link_;
    const pubsub::exchange& topics_;
    const redis::channel_kind kind_;
    const loop_ref home_;
    bool open_ = false;  // the home loop's
    std::shared_ptr<interest> used_;
    /// What this turn publishes, by topic.
    std::unordered_map<std::string, std::string, hash, std::equal_to<>> batches_;
};

}  // namespace weft::cluster
