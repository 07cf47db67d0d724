// The one type that users of the layer hold. Invariant: exactly one of `alone_` and `nodes_` is
// there; what is alone costs no more than its client.

#include "cluster/redis/router.hpp"

#include <utility>

#include "cluster/redis/cluster_client.hpp"

namespace weft::cluster::redis {

router::router(loop_ref loop, redis_options wanted)
    : home_(std::make_shared<connection_home>(std::move(loop))) {
    if (wanted.cluster_nodes.empty()) {
        alone_ = std::make_unique<client>(home_, std::move(wanted));
    } else {
        nodes_ = std::make_shared<cluster_client>(home_, std::move(wanted));
    }
}

router::~router() {
    if (nodes_ != nullptr) nodes_->leave();
}

result<void> router::start() {
    return alone_ != nullptr ? alone_->start() : nodes_->start();
}

result<void> router::command(std::string_view key, std::span<const std::string_view> arguments,
                             reply_handler done) {
    return alone_ != nullptr ? alone_->command(arguments, std::move(done))
                             : nodes_->command(key, arguments, std::move(done));
}

result<void> router::publish(channel_kind kind, std::string_view channel, std::string_view payload,
                             reply_handler done) {
    if (kind == channel_kind::pattern) {
        return error(weft::errc::invalid_argument, "nothing is published on a pattern");
    }
    return command(channel,
                   {kind == channel_kind::shard ? "SPUBLISH" : "PUBLISH", channel, payload},
                   std::move(done));
}

result<void> router::subscribe(channel_kind kind, std::string_view channel, message_handler handler,
                               subscribed_handler done) {
    return alone_ != nullptr
               ? alone_->subscribe(kind, channel, std::move(handler), std::move(done))
               : nodes_->subscribe(kind, channel, std::move(handler), std::move(done));
}

bool router::unsubscribe(channel_kind kind, std::string_view channel) {
    return alone_ != nullptr ? alone_->unsubscribe(kind, channel)
                             : nodes_->unsubscribe(kind, channel);
}

void router::on_gap(unique_function<void(gap)> handler) {
    if (alone_ != nullptr) return alone_->on_gap(std::move(handler));
    nodes_->on_gap = std::move(handler);
}

bool router::is_open() const noexcept {
    return alone_ != nullptr ? alone_->is_open() : nodes_->is_open();
}

}  // namespace weft::cluster::redis
