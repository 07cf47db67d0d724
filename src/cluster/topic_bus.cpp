// Topics between nodes. Every message of a node carries its name, so that what comes back to it is
// recognised. Order: what one thread publishes reaches the home loop in order, and each topic's
// channel keeps it.

#include "cluster/topic_bus.hpp"

#include <utility>

#include "cluster/adapter/proto/error.hpp"
#include "cluster/proto/topic_batch.hpp"

namespace weft::cluster {

// Sharded channels, and so a share of them for each node of a Redis Cluster, where we may.
topic_bus::topic_bus(std::shared_ptr<link> over, const pubsub::exchange& topics, loop_ref home)
    : link_(std::move(over)),
      topics_(topics),
      kind_(link_->chosen().adapter == adapter_kind::sharded ? redis::channel_kind::shard
                                                             : redis::channel_kind::plain),
      home_(std::move(home)) {}

result<void> topic_bus::start() {
    if (open_) return {};
    if (auto joined = link_->join(home_); !joined) return joined;
    open_ = true;
    const std::weak_ptr<topic_bus> weak = weak_from_this();
    used_ = std::make_shared<interest>(
        home_,
        [weak](const std::string& topic) {
            const auto self = weak.lock();
            if (!self) return;
            self->link_->subscribe(self->kind_, self->channel_of(topic),
                                   [weak, topic](std::string_view channel, std::string_view body) {
                                       if (const auto by = weak.lock())
                                           by->receive(channel, topic, body);
                                   });
        },
        [weak](const std::string& topic) {
            if (const auto self = weak.lock())
                self->link_->redis().unsubscribe(self->kind_, self->channel_of(topic));
        });
    return {};
}

void topic_bus::stop() noexcept {
    if (!std::exchange(open_, false)) return;
    used_->clear();
    batches_.clear();
}

template <class F>
void topic_bus::at_home(F task) {
    home_.post([weak = weak_from_this(), task = std::move(task)]() mutable {
        const auto self = weak.lock();
        if (self && self->open_) task(*self);
    });
}

/// A namespace of Socket.IO begins with "/", so no channel of an adapter looks like this.
std::string topic_bus::channel_of(std::string_view topic) const {
    std::string name = link_->chosen().prefix;
    name += "#topic#";
    name += topic;
    return name;
}

void topic_bus::on_used(pubsub::topic_key topic) {
    at_home([name = std::string(topic.name)](topic_bus& self) { self.used_->add(name); });
}

void topic_bus::on_unused(pubsub::topic_key topic) noexcept {
    try {
        at_home([name = std::string(topic.name)](topic_bus& self) { self.used_->remove(name); });
    } catch (...) {  // memory is out: we listen to it until the process ends
        return;
    }
}

void topic_bus::publish(std::string_view topic, const message& what) {
    if (home_.in_loop_thread()) {
        if (open_) add(topic, what);
        return;
    }
    at_home([name = std::string(topic), what](topic_bus& self) { self.add(name, what); });
}

void topic_bus::add(std::string_view topic, const message& what) {
    auto found = batches_.find(topic);
    if (found == batches_.end()) {
        if (batches_.empty()) at_home([](topic_bus& self) { self.flush(); });
        found = batches_.emplace(std::string(topic), std::string()).first;
        begin_topic_batch(found->second, link_->uid());
    }
    if (!append_to_topic_batch(found->second, what)) link_->drop("it is too large");
}

void topic_bus::flush() {
    for (const auto& [topic, batch] : std::exchange(batches_, {}))
        link_->publish(traffic::topics, kind_, channel_of(topic), batch);
}

void topic_bus::receive(std::string_view channel, std::string_view topic, std::string_view body) {
    if (!open_) return;
    topic_batch_reader batch(as_bytes(body));
    if (batch.uid() == link_->uid()) return;
    while (const message what = batch.next()) {
        link_->metrics.of(traffic::topics).received.add();
        topics_.publish({.owner = pubsub::topic_owner::program, .topics = {&topic, 1}}, {&what, 1});
    }
    if (batch.is_malformed()) link_->ignore(channel, make_error_code(errc::malformed_body));
}

}  // namespace weft::cluster
