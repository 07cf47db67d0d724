// The connection of a process with its cluster. Invariant: a message that was not sent, or not
// understood, is counted; the log has the first of a minute.

#include "cluster/link.hpp"

#include <array>
#include <chrono>
#include <utility>

#include <weft/base/error.hpp>

#include "base/random.hpp"

namespace weft::cluster {
namespace {

std::string hexadecimal(std::uint64_t number) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text(16, '0');
    for (auto at = text.rbegin(); at != text.rend(); ++at, number >>= 4U)
        *at = digits[number & 15U];
    return text;
}

}  // namespace

void link_metrics::visit(metric_visitor visitor) const {
    const auto tell = [&](std::string_view name, std::string_view help, const counter& from,
                          std::string_view labels = {}) {
        visitor({name, labels, help, metric_kind::counter, from.read()});
    };
    constexpr std::array<std::string_view, 4> about{R"(about="topics")", R"(about="broadcasts")",
                                                    R"(about="requests")", R"(about="answers")"};
    for (std::size_t i = 0; i < flows.size(); ++i) {
        tell("weft_cluster_published_total", "Messages to other nodes.", flows[i].published,
             about[i]);
        tell("weft_cluster_received_total", "Messages of other nodes.", flows[i].received,
             about[i]);
    }
    tell("weft_cluster_ignored_total", "Messages of other nodes that were not understood.",
         ignored);
    tell("weft_cluster_dropped_total", "Messages that Redis did not take.", dropped);
    tell("weft_cluster_questions_total", "Questions to other nodes.", questions);
    tell("weft_cluster_silent_total", "Nodes that did not answer a question in time.", silent);
    tell("weft_cluster_gaps_total", "Losses of the connection to Redis.", gaps);
}

link::link(options chosen, log_sink* log) : chosen_(std::move(chosen)), log_(log) {}

std::string link::draw_id() {
    random_pool random;
    const auto high = random.next_u32();
    const auto low = random.next_u32();
    if (!high || !low) return {};
    return hexadecimal(std::uint64_t{*high} << 32U | *low);
}

result<void> link::join(loop_ref home) {
    if (redis_) return {};
    if (auto right = chosen_.check(); !right) return right;
    uid_ = draw_id();
    if (uid_.empty()) return error(weft::errc::not_supported, "no entropy for the node's name");
    home_ = home;
    redis_ = std::make_unique<redis::router>(std::move(home), chosen_.redis);
    redis_->on_gap([this](gap now) { tell_gap(now); });
    auto begun = redis_->start();
    if (begun) {
        await_redis();
    } else {
        redis_.reset();
    }
    return begun;
}

/// A gap is of subscriptions that were there. So the first time is looked for, and the connection
/// for commands after a gap.
void link::await_redis() {
    if (in_gap_) return;  // its end comes here
    if (redis_->is_open()) return away_since_.store(not_away, std::memory_order_relaxed);
    home().after(std::chrono::milliseconds(50), [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->await_redis();
    });
}

void link::tell_gap(gap now) {
    in_gap_ = now == gap::begins;
    if (in_gap_) {
        away_since_.store(steady_clock::now(), std::memory_order_relaxed);
        metrics.gaps.add();
        log(log_level::warning,
            "the connection to Redis is lost: nothing comes from other nodes until it is back");
    } else {
        await_redis();
        log(log_level::info, "Redis is back; what other nodes published meanwhile did not come");
    }
    if (on_gap) on_gap(now);
}

result<void> link::ready() const {
    const time_point since = away_since_.load(std::memory_order_relaxed);
    if (since == not_away || chosen_.ready_without_redis == duration::max()) return {};
    if (since == never) return error(redis::errc::connection_lost, "Redis was not reached yet");
    const duration away = steady_clock::now() - since;
    if (away < chosen_.ready_without_redis) return {};
    return error(redis::errc::connection_lost,
                 "Redis has been away for " +
                     std::to_string(std::chrono::floor<std::chrono::seconds>(away).count()) +
                     " s (cluster::options::ready_without_redis)");
}

void link::visit_metrics(metric_visitor visit) const {
    metrics.visit(visit);
    const bool connected = away_since_.load(std::memory_order_relaxed) == not_away;
    visit({"weft_cluster_connected",
           {},
           "Whether the connection to Redis is there.",
           metric_kind::gauge,
           connected ? 1U : 0U});
    if (redis_) redis_->metrics().visit(visit);
}

bool link::is_due(std::optional<time_point>& last) const {
    const time_point now = home().now();
    if (last && now - *last < std::chrono::minutes(1)) return false;
    last = now;
    return true;
}

void link::publish(traffic what, redis::channel_kind kind, std::string_view channel,
                   std::string_view body) {
    const auto taken = redis_->publish(kind, channel, body);
    if (taken) return metrics.of(what).published.add();
    drop(taken.error().message());
}

void link::drop(const std::string& why) {
    metrics.dropped.add();
    if (is_due(told_drop_)) log(log_level::warning, "a message to other nodes is dropped: " + why);
}

void link::lose(const std::string& why) {
    metrics.gaps.add();
    log(log_level::warning, "messages of other nodes are lost: " + why);
}

void link::subscribe(redis::channel_kind kind, std::string_view channel,
                     redis::message_handler handler, redis::subscribed_handler done) {
    auto told = [weak = weak_from_this(), name = std::string(channel),
                 done = std::move(done)](result<void> how) mutable {
        const auto self = weak.lock();
        if (self && !how && how.error().code() != weft::errc::closed_locally &&
            how.error().code() != weft::errc::shutting_down)
            self->log(log_level::error,
                      "Redis refuses to subscribe '" + name + "': " + how.error().message());
        if (done) done(std::move(how));
    };
    const auto begun = redis_->subscribe(kind, channel, std::move(handler), std::move(told));
    if (!begun)
        log(log_level::error,
            "'" + std::string(channel) + "' is not subscribed: " + begun.error().message());
}

void link::ignore(std::string_view channel, std::error_code why) {
    metrics.ignored.add();
    if (is_due(told_ignored_))
        log(log_level::warning,
            "a message on '" + std::string(channel) + "' is ignored: " + why.message());
}

}  // namespace weft::cluster
