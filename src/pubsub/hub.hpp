#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <weft/base/function_ref.hpp>
#include <weft/base/unique_function.hpp>
#include <weft/pubsub/message.hpp>

#include "net/loop_core.hpp"
#include "pubsub/bus.hpp"
#include "pubsub/outbox.hpp"
#include "pubsub/topic_key.hpp"

namespace weft::pubsub {

class hub;

/// Somebody who can be subscribed. **Threads**: one loop's. **Lifetime**: leaves all topics when
/// destroyed.
class subscriber {
public:
    subscriber() = default;
    subscriber(const subscriber&) = delete;
    subscriber& operator=(const subscriber&) = delete;

    /// Takes a message of a topic. Must not call back into the hub or run user code: sending only
    /// queues.
    virtual send_status deliver(const message& what) noexcept = 0;
    /// Takes messages that belong together, with nothing between them. The default delivers one
    /// after the other and stops at the first that is not taken.
    virtual send_status deliver_group(std::span<const message> group) noexcept;

    [[nodiscard]] std::size_t subscriptions() const noexcept { return count_; }

protected:
    virtual ~subscriber();

private:
    friend class hub;
    struct subscription;
    subscription* first_ = nullptr;  // of this subscriber's list
    std::uint64_t seen_ = 0;         // the last audience of the hub that it was counted in
    std::size_t count_ = 0;
};

/// Who is to get a publication: each member of any of `topics` once, but no member of any of
/// `except_topics` and not `except`. **Lifetime**: borrows all of it.
struct audience {
    topic_owner owner;  ///< Of all the topics.
    std::span<const std::string_view> topics;
    std::span<const std::string_view> except_topics{};
    const subscriber* except = nullptr;
};

/// What the hubs of one server have in common: each other.
/// **Threads**: filled before the loops run, then only read; hubs end when nobody publishes any
/// more. **Lifetime**: outlives the hubs.
class exchange {
public:
    /// `most_under_way`: bytes of messages that may be on their way to one loop. What comes on top,
    /// because that loop does not keep up, is dropped there and counted.
    explicit exchange(std::uint64_t most_under_way = 64ULL * 1024 * 1024) noexcept
        : most_under_way_(most_under_way) {}

    /// Who is told which topics of this owner have subscribers. Before the loops run.
    void watch(topic_owner owner, topic_watcher& by);
    /// Connects the topics of the program with those of other processes. Before the loops run.
    void connect(bus& others);

    /// Publishes on every loop, and a topic of the program in the other processes too. What one
    /// thread publishes arrives in order.
    /// **Threads**: any; on a loop's own thread its subscribers are served at once.
    void publish(topic_key topic, const message& what) const;
    /// To an audience in this process; see `hub::publish`. `to.except` counts on its own loop only.
    void publish(const audience& receivers, std::span<const message> group) const;

private:
    friend class hub;
    struct member;
    [[nodiscard]] topic_watcher* watcher_of(topic_owner owner) const noexcept;
    void tell_bus(topic_key topic, const message& what) const {
        if (bus_ != nullptr && topic.owner == topic_owner::program) bus_->publish(topic.name, what);
    }

    std::uint64_t most_under_way_;
    std::vector<std::shared_ptr<member>> members_;
    std::vector<topic_watcher*> watchers_;  // by owner
    bus* bus_ = nullptr;
};

/// The topics of one loop and their subscribers. Names are found through a keyed hash (SipHash-1-3
/// with a key of this process), so that no peer can choose names that collide. When memory is out,
/// a call throws `std::bad_alloc` and has changed nothing.
/// **Threads**: the loop's.
class hub {
public:
    hub(net::loop_core& loop, exchange& all);
    hub(const hub&) = delete;
    hub& operator=(const hub&) = delete;
    ~hub();

    /// Whether the loop's budget has room for one more subscription under this name. Who lets peers
    /// subscribe asks first.
    [[nodiscard]] bool has_room(topic_key topic) const noexcept;
    /// False when it was subscribed before. What it takes is charged to the loop's budget.
    bool subscribe(subscriber& member, topic_key topic);
    bool unsubscribe(subscriber& member, topic_key topic);
    void unsubscribe_all(subscriber& member) noexcept;
    [[nodiscard]] bool is_subscribed(const subscriber& member, topic_key topic) const noexcept;

    /// To every subscriber on every loop, but not to `except`; a topic of the program in the other
    /// processes too. Returns how many of this loop took it without a loss. Other loops get what
    /// one iteration published in one post, in order.
    std::size_t publish(topic_key topic, const message& what, const subscriber* except = nullptr);
    /// Messages that belong together, to an audience on every loop of this process. Returns how
    /// many of this loop took them all. **Cost**: with one topic and nothing excepted, that of the
    /// publish above.
    std::size_t publish(const audience& receivers, std::span<const message> group);
    /// To the subscribers of this loop only: what other loops' hubs call here.
    std::size_t publish_local(const audience& receivers, std::span<const message> group);
    /// Calls `visit(subscriber&)` for each subscriber of this loop that is in the audience. It must
    /// not subscribe or unsubscribe anyone.
    void for_each(const audience& receivers, function_ref<void(subscriber&)> visit);

    /// Calls `visit(name)` for each topic of a subscriber. It must not subscribe or unsubscribe.
    static void for_each_topic(const subscriber& member,
                               function_ref<void(std::string_view)> visit);

    /// Runs `deliver` on this loop for a message of `size` bytes: `queued`, or `dropped` when too
    /// much is on its way there already (counted), or `closed` when the loop has gone.
    /// **Threads**: any.
    send_status post(std::size_t size, unique_function<void()> deliver);

    /// Subscribers on this loop.
    [[nodiscard]] std::size_t subscribers(topic_key topic) const noexcept;

    /// Calls `visit(topic, subscribers)` for up to `count` topics of this loop, behind the first
    /// `from`, in no order. Returns how many are behind it now, or 0 when that was all.
    std::size_t for_some_topics(std::size_t from, std::size_t count,
                                function_ref<void(topic_key, std::size_t)> visit) const;

    [[nodiscard]] net::loop_core& loop() const noexcept { return loop_; }
    [[nodiscard]] exchange& all() const noexcept { return all_; }
    [[nodiscard]] queue_metrics& metrics() noexcept { return metrics_; }

private:
    friend class exchange;
    friend class subscriber;
    struct topic;
    struct state;
    static constexpr std::uint64_t timed_one_of = 64;

    void remove(subscriber::subscription& gone) noexcept;
    void forward(const audience& receivers, std::span<const message> group);

    net::loop_core& loop_;
    exchange& all_;
    queue_metrics metrics_;
    std::uint64_t handed_out_ = 0;  // publications
    std::uint64_t audiences_ = 0;   // so many were looked at; names the latest
    std::unique_ptr<state> state_;
    weak_anchor<hub> anchor_;
};

}  // namespace weft::pubsub
