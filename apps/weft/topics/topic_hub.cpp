// The rules of the topic protocol: who may do what, in which order the answers go out, and how many
// are present. Invariant: a client's list of topics, the sink's subscriptions and the board's
// counts change together, and `close` takes back exactly what `subscribe` gave.

#include "topics/topic_hub.hpp"

#include <algorithm>
#include <utility>

namespace weft::topics {
namespace {

constexpr std::size_t exact_presence = 64;

/// A message as its topic wants it delivered.
message make_message(std::string_view topic, const topic_rule& rule, const sender& from,
                     std::string_view data) {
    std::string text;
    format_message(text, topic, from, data);
    message_options how;
    how.droppable = rule.overflow == topic_overflow::drop;
    std::string key;
    if (!rule.latest_by.empty()) {
        if (const std::string_view value = key_of(data, rule.latest_by); !value.empty()) {
            // A subscriber has one queue for all its topics, whose names have no control character.
            key.append(topic).append(1, '\n').append(value);
            how.key = key;
            how.latest = true;
        }
    }
    return message::text(text, how);
}

bool is_too_large(std::string_view data, const topic_rule& rule) noexcept {
    return rule.max_data != 0 && data.size() > rule.max_data;
}

}  // namespace

presence_board::change presence_board::changed(entry& topic) {
    ++topic.untold;
    const std::size_t step = std::max<std::size_t>(1, topic.count / exact_presence);
    const bool tell = topic.untold >= step;
    if (tell) topic.untold = 0;
    return {{topic.count, ++version_}, tell};
}

presence_board::change presence_board::join(std::string_view topic) {
    const std::lock_guard lock(mutex_);
    auto found = topics_.find(topic);
    if (found == topics_.end()) found = topics_.emplace(topic, entry{}).first;
    ++found->second.count;
    return changed(found->second);
}

presence_board::change presence_board::leave(std::string_view topic) {
    const std::lock_guard lock(mutex_);
    const auto found = topics_.find(topic);
    if (found == topics_.end()) return {};
    --found->second.count;
    const change result = changed(found->second);
    if (found->second.count == 0) topics_.erase(found);
    return result;
}

std::vector<topic_count> presence_board::list(std::size_t limit) const {
    const std::lock_guard lock(mutex_);
    std::vector<std::pair<std::size_t, const std::string*>> all;
    all.reserve(topics_.size());
    for (const auto& [topic, each] : topics_) all.emplace_back(each.count, &topic);
    const auto fuller = [](const auto& a, const auto& b) {
        return a.first != b.first ? a.first > b.first : *a.second < *b.second;
    };
    const auto end = all.begin() + static_cast<std::ptrdiff_t>(std::min(limit, all.size()));
    std::partial_sort(all.begin(), end, all.end(), fuller);
    std::vector<topic_count> fullest;
    std::for_each(all.begin(), end, [&](const auto& each) {
        fullest.push_back({*each.second, each.first});
    });
    return fullest;
}

void topic_hub::change(hub_options to) {
    const std::lock_guard lock(mutex_);
    to.node = options_->node;
    options_ = std::make_shared<const hub_options>(std::move(to));
    version_.fetch_add(1, std::memory_order_release);
}

std::shared_ptr<const hub_options> topic_hub::options() const {
    const std::lock_guard lock(mutex_);
    return options_;
}

const hub_options& topic_hub::options_for(topic_client& client) const {
    if (client.version_ != version_.load(std::memory_order_acquire)) {
        const std::lock_guard lock(mutex_);
        client.options_ = options_;
        client.version_ = version_.load(std::memory_order_relaxed);
    }
    return *client.options_;
}

void topic_hub::open(topic_client& client) {
    client.id_ = options_for(client).node + "c" +
                 std::to_string(next_id_.fetch_add(1, std::memory_order_relaxed));
}

void topic_hub::handle(topic_client& client, std::string_view text, time_point now,
                       topic_sink& sink) {
    request what;
    refusal why = parse_request(text, what);
    // A refused request is paid for like any other.
    if (!charge(client, now)) why = refusal::rate_limited;
    if (why == refusal::none) why = carry_out(client, what, sink);
    if (why == refusal::none) return;
    std::string out;
    format_error(out, what, why);
    sink.send(out);
}

void topic_hub::close(topic_client& client, topic_sink& sink) {
    for (const std::string& topic : std::exchange(client.topics_, {})) {
        tell_others(topic, presence_.leave(topic), sink);
    }
}

refusal topic_hub::carry_out(topic_client& client, const request& what, topic_sink& sink) {
    std::string out;
    switch (what.type) {
        case request_type::unknown: return refusal::unknown_type;
        case request_type::subscribe: return subscribe(client, what, sink);
        case request_type::unsubscribe: return unsubscribe(client, what, sink);
        case request_type::publish: return publish(client, what, sink);
        case request_type::hello:
            client.name_ = what.name;
            format_welcome(out, what, {client.id_, client.name_});
            break;
        case request_type::list:
            if (options_for(client).listing == topic_listing::off) return refusal::list_disabled;
            format_topics(out, what, presence_.list(options_for(client).max_topics_listed));
            break;
        case request_type::ping: format_pong(out, what); break;
    }
    sink.send(out);
    return refusal::none;
}

refusal topic_hub::subscribe(topic_client& client, const request& what, topic_sink& sink) {
    auto& topics = client.topics_;
    if (std::find(topics.begin(), topics.end(), what.topic) != topics.end()) {
        return refusal::already_subscribed;
    }
    const hub_options& options = options_for(client);
    if (topics.size() >= options.max_topics_per_client) return refusal::too_many_topics;
    if (!options.rules.find(what.topic).may_subscribe(sink.who())) return refusal::not_allowed;
    if (!sink.subscribe(what.topic)) return refusal::too_many_topics;
    topics.emplace_back(what.topic);
    const presence_board::change change = presence_.join(what.topic);
    std::string out;
    format_subscribed(out, what, change.now);
    sink.send(out);
    tell_others(what.topic, change, sink);
    return refusal::none;
}

refusal topic_hub::unsubscribe(topic_client& client, const request& what, topic_sink& sink) {
    auto& topics = client.topics_;
    const auto found = std::find(topics.begin(), topics.end(), what.topic);
    if (found == topics.end()) return refusal::not_subscribed;
    topics.erase(found);
    std::string out;
    format_unsubscribed(out, what);
    sink.send(out);
    leave(what.topic, sink);
    return refusal::none;
}

void topic_hub::leave(std::string_view topic, topic_sink& sink) {
    sink.unsubscribe(topic);
    tell_others(topic, presence_.leave(topic), sink);
}

void topic_hub::review(topic_client& client, topic_sink& sink) {
    const topic_rules& rules = options_for(client).rules;
    std::erase_if(client.topics_, [&](const std::string& topic) {
        if (rules.find(topic).may_subscribe(sink.who())) return false;
        std::string out;
        format_removed(out, topic);
        sink.send(out);
        leave(topic, sink);
        return true;
    });
}

refusal topic_hub::publish(topic_client& client, const request& what, topic_sink& sink) {
    const topic_rules::finding found = options_for(client).rules.find(what.topic);
    if (!found.may_publish(sink.who())) return refusal::not_allowed;
    if (is_too_large(what.data, found.rule)) return refusal::too_large;
    std::string out;
    if (found.rule.rules) {
        if (const auto wrong = sink.check(*found.rule.rules, what.data)) {
            format_violation(out, what, *wrong);
            sink.send(out);
            return refusal::none;
        }
    }
    sink.publish(what.topic,
                 make_message(what.topic, found.rule, {client.id_, client.name_}, what.data));
    if (!what.id) return refusal::none;
    format_published(out, what);
    sink.send(out);
    return refusal::none;
}

topic_hub::announcement topic_hub::announce(std::string_view topic, std::string_view data) const {
    if (!is_topic(topic)) return {refusal::bad_topic};
    if (const refusal why = judge_data(data); why != refusal::none) return {why};
    const auto present = options();
    const topic_rule& rule = present->rules.find(topic).rule;
    if (is_too_large(data, rule)) return {refusal::too_large};
    if (rule.rules) {
        if (auto wrong = rule.rules->check(data)) return {refusal::invalid_data, std::move(wrong)};
    }
    return {refusal::none, std::nullopt, make_message(topic, rule, {"server", ""}, data)};
}

bool topic_hub::charge(topic_client& client, time_point now) const {
    const hub_options& options = options_for(client);
    // A token bucket kept as the time up to which requests are paid for.
    const auto price =
        std::chrono::nanoseconds(std::chrono::seconds(1)) / options.requests_per_second;
    const time_point start = std::max(client.paid_until_, now);
    if (start + price - now > price * options.burst) return false;
    client.paid_until_ = start + price;
    return true;
}

void topic_hub::tell_others(std::string_view topic, const presence_board::change& change,
                            topic_sink& sink) {
    if (!change.tell || change.now.count == 0) return;
    std::string out;
    format_presence(out, topic, change.now);
    sink.publish_here(topic, out);
}

}  // namespace weft::topics
