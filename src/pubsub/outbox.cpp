// The waiting line of a slow connection. Invariant: `bytes_` is the sum of what waits, and a push
// that is accepted leaves it, together with what is ahead, within the limit; only a replacement
// that is no larger than what it replaces is taken above it. Every message that is given up is
// counted once.

#include "pubsub/outbox.hpp"

#include <utility>

#include "base/heap_cost.hpp"

namespace weft::pubsub {
namespace {

constexpr std::size_t minus(std::size_t from, std::size_t what) noexcept {
    return from > what ? from - what : 0;
}

}  // namespace

void queue_metrics::visit(metric_visitor visitor) const {
    const auto count = [&](std::string_view name, std::string_view help, const counter& c,
                           std::string_view labels = {}, metric_kind kind = metric_kind::counter) {
        visitor({name, labels, help, kind, c.read()});
    };
    constexpr std::string_view dropped = "weft_pubsub_dropped_total";
    constexpr std::string_view dropped_help = "Messages given up because a queue was full.";
    count("weft_pubsub_queued_total", "Messages that had to wait for a slow connection.", queued);
    count(dropped, dropped_help, dropped_newest, "policy=\"drop_newest\"");
    count(dropped, dropped_help, dropped_oldest, "policy=\"drop_oldest\"");
    count("weft_pubsub_dropped_at_close_total",
          "Messages that still waited when their connection ended.", dropped_at_close);
    count("weft_pubsub_dropped_on_the_way_total",
          "Batches for another loop given up because it did not keep up.", dropped_on_the_way);
    count("weft_pubsub_conflated_total", "Waiting messages replaced by a newer one of their key.",
          conflated);
    count("weft_pubsub_overflow_closed_total", "Connections closed because their queue was full.",
          closed);
    count("weft_pubsub_published_total", "Messages published on topics.", published);
    count("weft_pubsub_delivered_total", "Messages that subscribers took.", delivered);
    depths.visit(visitor,
                 {"weft_pubsub_queue_bytes_bucket", "weft_pubsub_queue_bytes_sum",
                  "weft_pubsub_queue_bytes_count",
                  "Bytes that waited for a slow connection, with each message that had to wait."});
    fanout_times.visit(
        visitor, {"weft_pubsub_fanout_seconds_bucket", "weft_pubsub_fanout_seconds_sum",
                  "weft_pubsub_fanout_seconds_count",
                  "How long a loop took to hand a publication to its subscribers. One of 64 is "
                  "timed."});
    count("weft_pubsub_topics", "Topics with subscribers, per loop.", topics, {},
          metric_kind::gauge);
    count("weft_pubsub_subscriptions", "Subscriptions.", subscriptions, {}, metric_kind::gauge);
}

send_status outbox::push(std::span<const message> group, std::size_t wire_size, std::size_t ahead,
                         overflow_policy policy) {
    const message& first = group.front();
    const bool replaceable =
        !first.key().empty() && (first.latest() || policy == overflow_policy::latest_per_key);
    if (replaceable && replace(group, wire_size, ahead)) return send_status::dropped;
    // Who has nothing to read is not slow: what comes then is taken whatever its size, and the
    // limit counts what waits behind it.
    if (ahead == 0 && waiting_.empty()) beyond_ = wire_size > limit_ ? wire_size : 0;
    const auto room = [&] { return minus(minus(limit_ + beyond_, ahead), bytes_); };
    auto status = send_status::queued;
    if (policy == overflow_policy::drop_oldest && wire_size <= minus(limit_, ahead)) {
        // What does not fit even into an empty box must not empty it.
        while (wire_size > room()) {
            pop();
            metrics_.dropped_oldest.add();
            status = send_status::dropped;
            if (replaceable && replace(group, wire_size, ahead)) return status;
        }
    }
    if (wire_size > room()) {
        if (policy == overflow_policy::close) {
            metrics_.closed.add();
            return send_status::closed;
        }
        metrics_.dropped_newest.add();
        return send_status::dropped;
    }
    waiting_.push_back({first, {group.begin() + 1, group.end()}, wire_size});
    bytes_ += wire_size;
    // No older one of the key waits: what has room has room in its place, too.
    if (replaceable) by_key_.emplace(first.key(), first_ + waiting_.size() - 1);
    recount(waiting_.back().cost(), 0);
    metrics_.queued.add();
    metrics_.depths.add(ahead + bytes_);
    return status;
}

bool outbox::replace(std::span<const message> group, std::size_t wire_size, std::size_t ahead) {
    const message& first = group.front();
    const auto found = by_key_.find(first.key());
    if (found == by_key_.end()) return false;
    entry& old = waiting_[static_cast<std::size_t>(found->second - first_)];
    if (wire_size > old.wire_size &&
        wire_size - old.wire_size > minus(minus(limit_ + beyond_, ahead), bytes_)) {
        return false;
    }
    entry fresh{first, {group.begin() + 1, group.end()}, wire_size};
    // The table's text lives in the message that goes now.
    auto node = by_key_.extract(found);
    node.key() = first.key();
    by_key_.insert(std::move(node));
    bytes_ = bytes_ - old.wire_size + wire_size;
    recount(fresh.cost(), old.cost());
    old = std::move(fresh);
    metrics_.conflated.add();
    return true;
}

void outbox::take(function_ref<void(std::span<const message>)> send) {
    entry oldest = pop();
    if (oldest.others.empty()) {
        send({&oldest.first, 1});
    } else {
        oldest.others.insert(oldest.others.begin(), oldest.first);
        send(oldest.others);
    }
}

// Of the list: its first piece, and the table of its pieces.
const std::size_t outbox::fixed_cost = heap_cost(512) + heap_cost(8 * sizeof(void*));

/// Small messages take many times what they are on the wire.
std::size_t outbox::entry::cost() const noexcept {
    std::size_t all = sizeof(entry) + first.memory() + heap_cost(others);
    for (const message& one : others) all += one.memory();
    return all;
}

void outbox::recount(std::size_t added, std::size_t gone) noexcept {
    constexpr std::size_t node = heap_cost(sizeof(std::string_view) + 3 * sizeof(void*)) + 12;
    cost_ = cost_ + added - gone;
    charge_.set(fixed_cost + cost_ + by_key_.size() * node);
}

outbox::entry outbox::pop() {
    entry oldest = std::move(waiting_.front());
    waiting_.pop_front();
    if (!by_key_.empty()) {
        const auto found = by_key_.find(oldest.first.key());
        if (found != by_key_.end() && found->second == first_) by_key_.erase(found);
    }
    bytes_ -= oldest.wire_size;
    beyond_ = 0;
    recount(0, oldest.cost());
    ++first_;
    return oldest;
}

}  // namespace weft::pubsub
