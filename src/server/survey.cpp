// Looks at everything that is open without holding up those who use it: a few hundred at a time,
// a tick of the loop between them, and only the best candidates are copied.

#include "server/survey.hpp"

#include <algorithm>
#include <utility>

#include <weft/net/awaitable.hpp>

#include "net/resume_on.hpp"

namespace weft {
namespace {

constexpr std::uint32_t streams_per_turn = 512;
constexpr std::size_t topics_per_turn = 1024;

struct candidate {
    conn_id id;
    std::size_t queued = 0;
    duration age{};
};

bool before(const candidate& a, const candidate& b) noexcept {
    return a.queued != b.queued ? a.queued > b.queued : a.age > b.age;
}

/// Keeps the first `most` by an order, the last of them in front of the heap.
template <class T, class Order>
void keep_best(std::vector<T>& best, T one, std::size_t most, Order order) {
    if (best.size() >= most && (most == 0 || !order(one, best.front()))) return;
    if (best.size() >= most) {
        std::pop_heap(best.begin(), best.end(), order);
        best.pop_back();
    }
    best.push_back(std::move(one));
    std::push_heap(best.begin(), best.end(), order);
}

net::stream_facts facts_of(net::loop_core& loop, net::byte_stream& stream) {
    net::stream_facts facts{.queued = stream.queued()};
    stream.handler().tell_facts(facts);
    if (facts.since && *facts.since > loop.now()) facts.since.reset();
    return facts;
}

connection_report report_of(net::loop_core& loop, net::byte_stream& stream) {
    const net::stream_facts facts = facts_of(loop, stream);
    connection_report report{.id = stream.id(),
                             .kind = std::string(facts.kind),
                             .address = stream.peer().address().to_string()};
    if (const identity* const who = stream.peer().who()) report.subject = who->subject;
    report.path = facts.path;
    report.queued = facts.queued;
    if (facts.since) report.age = loop.now() - *facts.since;
    return report;
}

struct topic_candidate {
    pubsub::topic_owner owner;
    std::string name;
    std::size_t subscribers = 0;

    [[nodiscard]] pubsub::topic_key key() const noexcept { return {owner, name}; }
};

bool larger(const topic_candidate& a, const topic_candidate& b) {
    return a.subscribers != b.subscribers ? a.subscribers > b.subscribers : a.name < b.name;
}

bool has(const std::vector<topic_candidate>& all, pubsub::topic_key topic) {
    return std::any_of(all.begin(), all.end(),
                       [&](const topic_candidate& each) { return each.key() == topic; });
}

}  // namespace

task<std::vector<connection_report>> survey_connections(std::vector<net::loop_core*> loops,
                                                        std::size_t most) {
    std::vector<candidate> best;
    for (net::loop_core* const loop : loops) {
        co_await net::resume_on(loop->ref());
        for (std::uint32_t from = 0;;) {
            from = loop->for_some_streams(from, streams_per_turn, [&](net::byte_stream& stream) {
                const net::stream_facts facts = facts_of(*loop, stream);
                const duration age = facts.since ? loop->now() - *facts.since : duration::zero();
                keep_best(best, {stream.id(), facts.queued, age}, most, before);
            });
            if (from == 0) break;
            co_await sleep_for(loop->ref(), duration::zero());
        }
    }
    std::sort_heap(best.begin(), best.end(), before);
    std::vector<connection_report> found;
    for (net::loop_core* const loop : loops) {
        co_await net::resume_on(loop->ref());
        for (const candidate& each : best) {
            if (each.id.loop() != loop->index()) continue;
            if (net::byte_stream* const stream = loop->find(each.id))
                found.push_back(report_of(*loop, *stream));
        }
    }
    std::stable_sort(found.begin(), found.end(),
                     [](const connection_report& a, const connection_report& b) {
                         return a.queued != b.queued ? a.queued > b.queued : a.age > b.age;
                     });
    co_return found;
}

task<std::vector<topic_report>> survey_topics(std::vector<pubsub::hub*> hubs, std::size_t most) {
    std::vector<topic_candidate> found;
    for (pubsub::hub* const hub : hubs) {
        net::loop_core& loop = hub->loop();
        co_await net::resume_on(loop.ref());
        std::vector<topic_candidate> best;
        for (std::size_t from = 0;;) {
            from = hub->for_some_topics(
                from, topics_per_turn, [&](pubsub::topic_key topic, std::size_t subscribers) {
                    const bool full = best.size() >= most;
                    if (full && (most == 0 || subscribers <= best.front().subscribers)) return;
                    // The table may have moved it since it was looked at.
                    if (has(best, topic)) return;
                    keep_best(best, {topic.owner, std::string(topic.name), subscribers}, most,
                              larger);
                });
            if (from == 0) break;
            co_await sleep_for(loop.ref(), duration::zero());
        }
        for (topic_candidate& one : best) {
            if (!has(found, one.key())) found.push_back(std::move(one));
        }
    }
    // Those of several loops count on all of them.
    std::sort(found.begin(), found.end(), larger);
    if (found.size() / 2 > most) found.resize(2 * most);
    for (topic_candidate& each : found) each.subscribers = 0;
    for (pubsub::hub* const hub : hubs) {
        co_await net::resume_on(hub->loop().ref());
        for (topic_candidate& each : found) each.subscribers += hub->subscribers(each.key());
    }
    std::sort(found.begin(), found.end(), larger);
    std::vector<topic_report> told;
    for (topic_candidate& each : found) {
        if (told.size() == most || each.subscribers == 0) break;
        told.push_back(
            {std::move(each.name), each.owner != pubsub::topic_owner::program, each.subscribers});
    }
    co_return told;
}

}  // namespace weft
