// Topics and fan-out. A subscription stands in three places: at an index of its topic's vector
// (walked when publishing; removal swaps the last one in), in its subscriber's list (walked when
// the subscriber leaves), and in a table by topic and subscriber (so that leaving one of very many
// costs the same). Invariant: the three agree between any two calls, and a topic exists exactly
// while it has subscribers.
//
// Other loops are reached through their mailboxes. What one iteration publishes is collected and
// posted to each of them once; so the order of publishing is the order of arrival. The bytes on
// their way to one loop are bounded: a post on top of that is given up whole, and counted.

#include "pubsub/hub.hpp"

#include <algorithm>
#include <atomic>
#include <span>
#include <utility>

#include <tsl/robin_set.h>

#include "base/heap_cost.hpp"
#include "base/siphash.hpp"
#include "net/work.hpp"

namespace weft::pubsub {
namespace {

/// A publication on its way to another loop.
struct publication {
    topic_owner owner;
    std::vector<std::string> topics;
    std::vector<std::string> except_topics;
    std::vector<message> group;

    publication(const audience& receivers, std::span<const message> what)
        : owner(receivers.owner),
          topics(receivers.topics.begin(), receivers.topics.end()),
          except_topics(receivers.except_topics.begin(), receivers.except_topics.end()),
          group(what.begin(), what.end()) {}

    /// What it keeps alive on its way.
    [[nodiscard]] std::uint64_t size() const noexcept {
        std::uint64_t all = sizeof *this;
        for (const std::string& name : topics) all += name.size();
        for (const std::string& name : except_topics) all += name.size();
        for (const message& one : group) all += one.size();
        return all;
    }
    void publish_on(hub& home) const {
        const std::vector<std::string_view> in(topics.begin(), topics.end());
        const std::vector<std::string_view> out(except_topics.begin(), except_topics.end());
        home.publish_local({owner, in, out}, group);
    }
};
using batch = std::vector<publication>;

std::uint64_t size_of(const batch& all) noexcept {
    std::uint64_t size = 0;
    for (const publication& p : all) size += p.size();
    return size;
}

}  // namespace

/// The subscribers of one name on one loop.
struct hub::topic {
    topic_owner owner;
    std::string name;
    hub& home;
    std::vector<subscriber::subscription*> members;
    std::size_t watched;  // bytes that a watcher keeps of it

    [[nodiscard]] topic_key key() const noexcept { return {owner, name}; }

    [[nodiscard]] std::size_t cost() const noexcept {
        return heap_cost_of<topic> + heap_cost(name) + heap_cost(members) + watched;
    }
};

struct subscriber::subscription {
    hub::topic* in;
    subscriber* member;
    std::size_t index;               // in the topic's members
    subscription* next = nullptr;    // of the subscriber's list
    subscription** to_me = nullptr;  // the pointer of that list that points here
};

/// A hub as others see it; outlives the hub.
struct exchange::member {
    const weak_handle<hub> home;
    const loop_ref loop;
    const std::uint64_t most_under_way;
    std::atomic<std::uint64_t> under_way{0};  // bytes
    std::atomic<std::uint64_t> given_up{0};   // posts, since one last arrived

    /// **Threads**: any. When nothing is on its way anything may go, so that no message is too
    /// large to travel.
    static send_status post(const std::shared_ptr<member>& receiver, std::uint64_t size,
                            unique_function<void(hub&)> deliver) {
        const std::uint64_t before = receiver->under_way.fetch_add(size, std::memory_order_relaxed);
        if (before != 0 &&
            size > receiver->most_under_way - std::min(before, receiver->most_under_way)) {
            receiver->under_way.fetch_sub(size, std::memory_order_relaxed);
            receiver->given_up.fetch_add(1, std::memory_order_relaxed);
            return send_status::dropped;
        }
        const bool posted =
            receiver->loop.post([receiver, size, deliver = std::move(deliver)]() mutable {
                receiver->under_way.fetch_sub(size, std::memory_order_relaxed);
                hub* const home = receiver->home.get();
                if (home == nullptr) return;
                home->metrics().dropped_on_the_way.add(receiver->given_up.exchange(0));
                deliver(*home);
            });
        return posted ? send_status::queued : send_status::closed;
    }
    static void send(const std::shared_ptr<member>& receiver, std::uint64_t size,
                     std::shared_ptr<const batch> what) {
        (void)post(receiver, size, [what = std::move(what)](hub& home) {
            for (const publication& p : *what) p.publish_on(home);
        });
    }
};

struct hub::state {
    using subscription = subscriber::subscription;

    struct pair {
        const topic* in;
        const subscriber* member;
        friend bool operator==(const pair&, const pair&) = default;
    };
    static topic_key key_of(topic_key key) noexcept { return key; }
    static topic_key key_of(const std::unique_ptr<topic>& t) noexcept { return t->key(); }
    static pair key_of(pair p) noexcept { return p; }
    static pair key_of(const std::unique_ptr<subscription>& s) noexcept {
        return {s->in, s->member};
    }

    struct hash {
        using is_transparent = void;
        keyed_hash keyed{};

        std::size_t operator()(topic_key key) const noexcept {
            // Peers choose names, never owners: names of one owner are as far apart as before.
            constexpr std::size_t odd = 0x9E37'79B9'7F4A'7C15U;
            return keyed(key.name) ^ (static_cast<std::size_t>(key.owner) * odd);
        }
        std::size_t operator()(pair p) const noexcept {
            return siphash_1_3(keyed.key, std::as_bytes(std::span(&p, 1)));
        }
        std::size_t operator()(const auto& kept) const noexcept { return (*this)(key_of(kept)); }
    };
    struct equal {
        using is_transparent = void;
        bool operator()(const auto& a, const auto& b) const noexcept {
            return key_of(a) == key_of(b);
        }
    };
    /// Keeps the hashes: a bucket is two words, and what does not match is not touched.
    template <class T>
    using table = tsl::robin_set<std::unique_ptr<T>, hash, equal,
                                 std::allocator<std::unique_ptr<T>>, /*StoreHash=*/true>;

    /// Fuller tables than the library's default of a half: 130 to 200 bytes less for each idle
    /// Socket.IO connection ("10,000 idle" of bench/load/compare.py).
    explicit state(byte_budget& memory) : table_charge(memory) {
        topics.max_load_factor(0.8F);
        subscriptions.max_load_factor(0.8F);
        // And what a crowd has left behind is given back when the next one subscribes, or nobody
        // is left.
        topics.min_load_factor(0.1F);
        subscriptions.min_load_factor(0.1F);
    }

    std::shared_ptr<exchange::member> self;
    table<topic> topics;
    table<subscription> subscriptions;
    batch outgoing;  // to the other loops, with the flush that is posted
    byte_charge table_charge;

    void give_back_tables() noexcept {
        try {
            topics.rehash(0);
            subscriptions.rehash(0);
        } catch (...) {  // a smaller table needs memory first: they stay as large as they are
        }
        charge_tables();
    }
    /// After something was added: then tables grow or shrink.
    void charge_tables() noexcept {
        constexpr std::size_t distance = 8;  // of each bucket, beside its value
        table_charge.set(topics.bucket_count() * (distance + sizeof(*topics.begin())) +
                         subscriptions.bucket_count() *
                             (distance + sizeof(*subscriptions.begin())));
    }

    [[nodiscard]] topic* find(topic_key key) const noexcept {
        const auto found = topics.find(key);
        return found != topics.end() ? found->get() : nullptr;
    }
};

subscriber::~subscriber() {
    while (first_ != nullptr) first_->in->home.remove(*first_);
}

send_status subscriber::deliver_group(std::span<const message> group) noexcept {
    send_status status = send_status::sent;
    for (const message& one : group) {
        status = deliver(one);
        if (status != send_status::sent && status != send_status::queued) break;
    }
    return status;
}

void exchange::watch(topic_owner owner, topic_watcher& by) {
    const auto index = static_cast<std::size_t>(owner);
    if (watchers_.size() <= index) watchers_.resize(index + 1);
    watchers_[index] = &by;
}

void exchange::connect(bus& others) {
    watch(topic_owner::program, others);
    bus_ = &others;
}

topic_watcher* exchange::watcher_of(topic_owner owner) const noexcept {
    const auto index = static_cast<std::size_t>(owner);
    return index < watchers_.size() ? watchers_[index] : nullptr;
}

void exchange::publish(topic_key topic, const message& what) const {
    publish({.owner = topic.owner, .topics = {&topic.name, 1}}, {&what, 1});
    tell_bus(topic, what);
}

void exchange::publish(const audience& receivers, std::span<const message> group) const {
    for (const auto& m : members_) {
        hub* const home = m->home.get();
        if (home == nullptr) continue;
        home->publish(receivers, group);
        return;
    }
    const auto one = std::make_shared<const batch>(batch{publication(receivers, group)});
    const std::uint64_t size = size_of(*one);
    for (const auto& m : members_) member::send(m, size, one);
}

hub::hub(net::loop_core& loop, exchange& all)
    : loop_(loop),
      all_(all),
      state_(std::make_unique<state>(loop.budget())),
      anchor_(loop.owner(), this) {
    state_->self.reset(new exchange::member{anchor_.handle(), loop.ref(), all.most_under_way_});
    all.members_.push_back(state_->self);
}

hub::~hub() {
    while (!state_->subscriptions.empty()) remove(**state_->subscriptions.begin());
}

bool hub::has_room(topic_key key) const noexcept {
    // The topic, and the subscription with its places in a list and in two tables.
    constexpr std::size_t most = heap_cost_of<topic> + heap_cost_of<subscriber::subscription> +
                                 heap_cost(sizeof(void*)) + 4 * 4 * sizeof(void*);
    const topic_watcher* const watcher = all_.watcher_of(key.owner);
    return loop_.budget().has_room(most + heap_cost(key.name.size() + 1) +
                                   (watcher != nullptr ? watcher->memory_of(key) : 0));
}

bool hub::subscribe(subscriber& member, topic_key key) {
    topic* in = state_->find(key);
    if (in != nullptr && state_->subscriptions.contains(state::pair{in, &member})) return false;
    const std::size_t before = in != nullptr ? in->cost() : 0;
    std::unique_ptr<topic> first;  // until it has its member
    topic_watcher* const watcher = in == nullptr ? all_.watcher_of(key.owner) : nullptr;
    if (in == nullptr) {
        first = std::make_unique<topic>(topic{key.owner,
                                              std::string(key.name),
                                              *this,
                                              {},
                                              watcher != nullptr ? watcher->memory_of(key) : 0});
        in = first.get();
    }
    auto fresh = std::make_unique<subscriber::subscription>(
        subscriber::subscription{in, &member, in->members.size()});
    subscriber::subscription& made = *fresh;
    in->members.push_back(&made);
    try {
        state_->subscriptions.insert(std::move(fresh));
        if (first != nullptr) {
            state_->topics.insert(std::move(first));
            if (watcher != nullptr) watcher->on_used(key);
        }
    } catch (...) {
        state_->subscriptions.erase(state::pair{in, &member});
        in->members.pop_back();
        if (in->members.empty()) state_->topics.erase(key);
        throw;
    }
    made.next = member.first_;
    made.to_me = &member.first_;
    if (member.first_ != nullptr) member.first_->to_me = &made.next;
    member.first_ = &made;
    ++member.count_;
    if (in->members.size() == 1) metrics_.topics.add();
    loop_.budget().charge(heap_cost_of<subscriber::subscription> + in->cost() - before);
    state_->charge_tables();
    metrics_.subscriptions.add();
    return true;
}

bool hub::unsubscribe(subscriber& member, topic_key key) {
    const topic* in = state_->find(key);
    if (in == nullptr) return false;
    const auto found = state_->subscriptions.find(state::pair{in, &member});
    if (found == state_->subscriptions.end()) return false;
    remove(**found);
    return true;
}

void hub::unsubscribe_all(subscriber& member) noexcept {
    auto* membership = member.first_;
    while (membership != nullptr) {
        auto* const next = membership->next;
        if (&membership->in->home == this) remove(*membership);
        membership = next;
    }
}

void hub::remove(subscriber::subscription& gone) noexcept {
    topic& in = *gone.in;
    in.members[gone.index] = in.members.back();
    in.members[gone.index]->index = gone.index;
    in.members.pop_back();

    *gone.to_me = gone.next;
    if (gone.next != nullptr) gone.next->to_me = gone.to_me;
    --gone.member->count_;

    state_->subscriptions.erase(state::pair{&in, gone.member});
    loop_.budget().release(heap_cost_of<subscriber::subscription>);
    metrics_.subscriptions.sub();
    if (in.members.empty()) {
        if (topic_watcher* const told = all_.watcher_of(in.owner)) told->on_unused(in.key());
        loop_.budget().release(in.cost());
        state_->topics.erase(in.key());
        metrics_.topics.sub();
        if (state_->topics.empty()) state_->give_back_tables();
    }
}

bool hub::is_subscribed(const subscriber& member, topic_key key) const noexcept {
    const topic* in = state_->find(key);
    return in != nullptr && state_->subscriptions.contains(state::pair{in, &member});
}

void hub::for_each_topic(const subscriber& member, function_ref<void(std::string_view)> visit) {
    for (const auto* membership = member.first_; membership != nullptr;
         membership = membership->next)
        visit(membership->in->name);
}

std::size_t hub::subscribers(topic_key key) const noexcept {
    const topic* in = state_->find(key);
    return in != nullptr ? in->members.size() : 0;
}

std::size_t hub::for_some_topics(std::size_t from, std::size_t count,
                                 function_ref<void(topic_key, std::size_t)> visit) const {
    if (from >= state_->topics.size()) return 0;
    auto each = std::next(state_->topics.begin(), static_cast<std::ptrdiff_t>(from));
    std::size_t visited = 0;
    for (; each != state_->topics.end() && visited < count; ++each, ++visited)
        visit((*each)->key(), (*each)->members.size());
    return each != state_->topics.end() ? from + visited : 0;
}

std::size_t hub::publish(topic_key key, const message& what, const subscriber* except) {
    const std::size_t taken =
        publish({.owner = key.owner, .topics = {&key.name, 1}, .except = except}, {&what, 1});
    all_.tell_bus(key, what);
    return taken;
}

std::size_t hub::publish(const audience& receivers, std::span<const message> group) {
    metrics_.published.add();
    if (all_.members_.size() > 1) forward(receivers, group);
    return publish_local(receivers, group);
}

std::size_t hub::publish_local(const audience& receivers, std::span<const message> group) {
    const bool timed = handed_out_++ % timed_one_of == 0;
    const time_point began = timed ? loop_.clock() : time_point();
    std::size_t asked = 0;
    std::size_t taken = 0;
    for_each(receivers, [&](subscriber& member) {
        ++asked;
        const send_status status =
            group.size() == 1 ? member.deliver(group.front()) : member.deliver_group(group);
        if (status == send_status::sent || status == send_status::queued) ++taken;
    });
    metrics_.delivered.add(taken);
    loop_.spend_work(asked * net::delivery_work);
    if (timed) metrics_.fanout_times.add(loop_.clock() - began);
    return taken;
}

void hub::for_each(const audience& receivers, function_ref<void(subscriber&)> visit) {
    // Whoever is in one topic only needs no mark.
    const bool marks = receivers.topics.size() > 1 || !receivers.except_topics.empty();
    const std::uint64_t present = marks ? ++audiences_ : 0;
    for (const std::string_view name : receivers.except_topics) {
        const topic* out = state_->find({receivers.owner, name});
        if (out == nullptr) continue;
        for (const auto* each : out->members) each->member->seen_ = present;
    }
    for (const std::string_view name : receivers.topics) {
        const topic* in = state_->find({receivers.owner, name});
        if (in == nullptr) continue;
        const auto& members = in->members;
        for (std::size_t i = 0; i < members.size(); ++i) {
            // Members are all over memory: those ahead are fetched while this one is served.
            if (i + 8 < members.size()) __builtin_prefetch(members[i + 8]);
            if (i + 4 < members.size()) __builtin_prefetch(members[i + 4]->member);
            subscriber& member = *members[i]->member;
            if (&member == receivers.except ||
                (marks && std::exchange(member.seen_, present) == present)) {
                continue;
            }
            visit(member);
        }
    }
}

void hub::forward(const audience& receivers, std::span<const message> group) {
    state_->outgoing.emplace_back(receivers, group);
    if (state_->outgoing.size() > 1) return;
    loop_.post([self = state_->self] {
        hub* const home = self->home.get();
        if (home == nullptr) return;
        const auto all = std::make_shared<const batch>(std::exchange(home->state_->outgoing, {}));
        const std::uint64_t size = size_of(*all);
        for (const auto& other : home->all_.members_) {
            if (other != self) exchange::member::send(other, size, all);
        }
    });
}

send_status hub::post(std::size_t size, unique_function<void()> deliver) {
    constexpr std::size_t task = 128;  // what a message costs besides its bytes
    return exchange::member::post(state_->self, size + task,
                                  [deliver = std::move(deliver)](hub&) mutable { deliver(); });
}

}  // namespace weft::pubsub
