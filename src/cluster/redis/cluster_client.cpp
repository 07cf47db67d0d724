// A Redis Cluster. The map says which node serves a slot; who knows better says MOVED, which mends
// the map at once and has it fetched anew. It is also fetched while a node that serves slots is
// away, or something waits for a node. Invariants: a command is answered once, by the node that
// executed it, or with why none did; a subscription is at one node at a time, and what is told of
// an earlier place (`placing` differs) is dropped; nodes are destroyed in `tick` and `leave` only,
// when nothing points to them.

#include "cluster/redis/cluster_client.hpp"

#include <algorithm>
#include <new>
#include <utility>

#include "base/explained.hpp"
#include "base/heap_cost.hpp"

namespace weft::cluster::redis {
namespace {

constexpr std::size_t most_nodes = 1024;  // Redis recommends no more than a thousand
constexpr unsigned most_hops = 5;         // from node to node, before the map is asked
constexpr duration idle_node = std::chrono::minutes(1);

/// What passes when the cluster has settled.
bool is_passing(std::string_view refusal) noexcept {
    for (const std::string_view known :
         {"CLUSTERDOWN", "TRYAGAIN", "MASTERDOWN", "LOADING", "ASK "}) {
        if (refusal.starts_with(known)) return true;
    }
    return false;
}

redis_options options_of_node(const redis_options& wanted, const redis_address& where) {
    redis_options one = wanted;
    one.host = where.host;
    one.port = where.port;
    return one;
}

std::string text_of(const redis_address& where) {
    return where.host + ':' + std::to_string(where.port);
}

}  // namespace

struct cluster_client::node {
    node(const std::shared_ptr<connection_home>& home, const redis_options& wanted,
         redis_address where)
        : at(std::move(where)), talker(home, options_of_node(wanted, at)) {}

    const redis_address at;
    client talker;
    std::size_t slots = 0;
    time_point used{};
    bool in_gap = false;
};

struct cluster_client::routed {
    routed(std::shared_ptr<connection_home> of, std::shared_ptr<std::uint64_t> in_total,
           std::span<const std::string_view> words, std::uint64_t size)
        : home(std::move(of)), total(std::move(in_total)), charged(size) {
        ends.reserve(words.size());
        for (const std::string_view word : words) {
            text += word;
            ends.push_back(text.size());
        }
        *total += charged;
    }
    routed(const routed&) = delete;
    routed& operator=(const routed&) = delete;
    ~routed() { *total -= charged; }

    [[nodiscard]] std::vector<std::string_view> words() const {
        std::vector<std::string_view> all;
        all.reserve(ends.size());
        std::size_t begin = 0;
        for (const std::size_t end : ends) {
            all.push_back(std::string_view(text).substr(begin, end - begin));
            begin = end;
        }
        return all;
    }
    void answer(result<reply_view> with) noexcept {
        reply_handler handler = std::exchange(done, nullptr);
        if (!handler) return;
        home->users->call([&] { handler(std::move(with)); },
                          [] { return user_place{.callback = "the handler of a reply"}; });
    }

    const std::shared_ptr<connection_home> home;
    const std::shared_ptr<std::uint64_t> total;
    const std::uint64_t charged;
    std::string text;  // all words
    std::vector<std::size_t> ends;
    std::uint16_t slot = 0;
    unsigned hops = 0;
    bool asks = false;  // says ASKING before
    time_point due{};
    reply_handler done;
};

struct cluster_client::subscription {
    void answer(connection_home& home, const result<void>& how) noexcept {
        subscribed_handler told = std::exchange(done, nullptr);
        if (!told) return;
        home.users->call([&] { told(how); },
                         [] { return user_place{.callback = "the handler of a subscription"}; });
    }

    channel_kind kind{};
    std::string name;
    std::uint16_t slot = 0;
    message_handler handler;
    subscribed_handler done;    // until it was called
    node* at = nullptr;         // or it waits for a node
    std::uint64_t placing = 0;  // how often it was placed
    unsigned hops = 0;
    bool confirmed = false;  // once
    bool lost = false;       // and is not in place now
};

/// Answers those who wait: when its task runs, or dies with the loop.
class cluster_client::ending {
public:
    ending(std::shared_ptr<connection_home> home, std::list<routed_ptr>&& commands,
           std::vector<subscription_ptr>&& subscriptions, weft::errc why) noexcept
        : home_(std::move(home)),
          commands_(std::move(commands)),
          subscriptions_(std::move(subscriptions)),
          why_(why) {}
    ending(ending&&) noexcept = default;
    ending& operator=(ending&&) = delete;
    ~ending() {
        for (const routed_ptr& one : commands_) one->answer(error(why_));
        for (const subscription_ptr& one : subscriptions_) one->answer(*home_, error(why_));
    }

private:
    std::shared_ptr<connection_home> home_;
    std::list<routed_ptr> commands_;
    std::vector<subscription_ptr> subscriptions_;
    weft::errc why_;
};

cluster_client::cluster_client(std::shared_ptr<connection_home> home, redis_options wanted)
    : home_(std::move(home)),
      wanted_(std::move(wanted)),
      ask_again_([this] {
          const auto alive = shared_from_this();
          within_memory([this] { fetch_map(); });
      }),
      tick_([this] {
          const auto alive = shared_from_this();
          tick();
      }),
      expiry_([this] {
          const auto alive = shared_from_this();
          expire_waiting();
      }) {}

cluster_client::~cluster_client() = default;

/// What could not be done now is done in the next tick.
template <class F>
void cluster_client::within_memory(F&& what) noexcept {
    try {
        what();
    } catch (const std::bad_alloc&) {
        map_wanted_ = true;
        unplaced_ = true;
    }
}

result<void> cluster_client::start() {
    if (home_->loop.ended()) return weft::errc::shutting_down;
    const owner_scope own(home_->loop.owner());
    if (!own) return weft::errc::wrong_thread;
    if (started_) return error(weft::errc::invalid_state, "it was started before");
    if (auto checked = wanted_.check(); !checked) return checked;
    if (auto prepared = home_->prepare(wanted_); !prepared) return prepared;
    struct guard {
        explicit guard(cluster_client& of) : owner(of.weak_from_this()) {}
        guard(guard&&) noexcept = default;
        guard& operator=(guard&&) = delete;
        ~guard() {
            const auto self = owner.lock();
            if (self != nullptr && self->started_ && !self->left_)
                self->finish(error(weft::errc::shutting_down));
        }
        std::weak_ptr<cluster_client> owner;
    };
    loop_end_ = home_->loop.after(duration::max(), [at_end = guard(*this)] {});
    started_ = true;
    within_memory([this] { add_seeds(); });
    loop().arm(tick_, later(loop().now(), wanted_.reconnect_max));
    return {};
}

bool cluster_client::is_open() const noexcept {
    return has_map_ && std::all_of(nodes_.begin(), nodes_.end(), [](const auto& one) {
               return one->slots == 0 || one->talker.is_open();
           });
}

// ---- Nodes and slots ----

/// The node of that address, which is made if need be. Null when it cannot be, or there are too
/// many.
cluster_client::node* cluster_client::node_at(const std::string& host, std::uint16_t port) {
    redis_address where{host, port};
    for (const auto& known : nodes_) {
        if (known->at == where) return known.get();
    }
    if (nodes_.size() == most_nodes) return nullptr;
    auto fresh = std::make_unique<node>(home_, wanted_, std::move(where));
    node* const made = fresh.get();
    made->used = loop().now();
    made->talker.on_open([this] {
        const auto alive = shared_from_this();
        within_memory([this] { fetch_map(); });
    });
    made->talker.on_gap([this, made](gap which) {
        const auto alive = shared_from_this();
        made->in_gap = which == gap::begins;
        update_gap();
    });
    made->talker.on_refused(
        [this, made](channel_kind kind, std::string_view name, const error& why) {
            const auto alive = shared_from_this();
            const auto found = book_of(kind).find(name);
            if (found == book_of(kind).end() || found->second->at != made) return;
            const subscription_ptr one = found->second;
            lose(*one);
            update_gap();
            if (!left_) within_memory([&] { not_placed(one, why); });
        });
    nodes_.reserve(nodes_.size() + 1);
    if (!made->talker.start()) return nullptr;  // without memory, or the loop ends
    nodes_.push_back(std::move(fresh));
    return made;
}

void cluster_client::add_seeds() {
    for (const redis_address& one : wanted_.cluster_nodes) node_at(one.host, one.port);
}

void cluster_client::drop_idle_nodes() {
    const time_point now = loop().now();
    for (auto at = nodes_.begin(); at != nodes_.end();) {
        node* const idle = at->get();
        if (idle->slots > 0 || later(idle->used, idle_node) > now || !has_map_) {
            ++at;
            continue;
        }
        for (book& known : books_) {
            for (const auto& [name, one] : known) {
                if (one->at != idle) continue;
                one->at = nullptr;
                ++one->placing;
                lose(*one);
                unplaced_ = true;
            }
        }
        at = nodes_.erase(at);
    }
}

void cluster_client::give(std::uint16_t slot, node* to) noexcept {
    if (slots_[slot] != nullptr) --slots_[slot]->slots;
    slots_[slot] = to;
    if (to != nullptr) ++to->slots;
}

/// Goes where a node sends us, and learns from it.
cluster_client::node* cluster_client::follow(const redirection& where, const redis_address& from) {
    home_->metrics.redirected.add();
    node* const to = node_at(where.host.empty() ? from.host : where.host, where.port);
    if (where.what == redirection::kind::ask) return to;
    give(where.slot, to);
    if (to != nullptr) hint_ = to->at;
    want_map();
    return to;
}

void cluster_client::want_map() noexcept {
    map_wanted_ = true;
    within_memory([this] { fetch_map(); });
}

/// Who knew better than the map is asked first, as soon as it can be.
cluster_client::node* cluster_client::whom_to_ask() noexcept {
    for (const auto& one : nodes_) {
        if (one->at == hint_) return one->talker.takes_commands() ? one.get() : nullptr;
    }
    for (std::size_t tried = 0; tried < nodes_.size(); ++tried) {
        node& one = *nodes_[next_asked_++ % nodes_.size()];
        if (one.talker.takes_commands()) return &one;
    }
    return nullptr;
}

void cluster_client::fetch_map() {
    if (asking_ || !map_wanted_ || left_) return;
    const time_point soonest = later(asked_at_, wanted_.reconnect_min);
    if (has_map_ && soonest > loop().now()) return loop().arm(ask_again_, soonest);
    node* const whom = whom_to_ask();
    if (whom == nullptr) return;  // until one opens, or the tick
    asked_at_ = loop().now();
    constexpr std::array<std::string_view, 2> words{"CLUSTER", "SLOTS"};
    command_options how;
    how.timeout = wanted_.connect_timeout;
    const auto sent = whom->talker.command(
        words,
        [mine = weak_from_this(), from = whom->at](const result<reply_view>& reply) {
            const auto self = mine.lock();
            if (self != nullptr && !self->left_) self->map_came(from, reply);
        },
        how);
    if (!sent) return loop().arm(ask_again_, later(loop().now(), wanted_.reconnect_max));
    asking_ = true;
    map_wanted_ = false;
    hint_ = {{}, 0};
}

void cluster_client::map_came(const redis_address& from, const result<reply_view>& reply) {
    asking_ = false;
    within_memory([&] {
        const auto map = reply ? read_slots(*reply) : std::nullopt;
        if (map && !map->empty()) {
            complained_ = false;
            return apply(*map, from);
        }
        map_wanted_ = true;
        loop().arm(ask_again_, later(loop().now(), wanted_.reconnect_max));
        if (std::exchange(complained_, true)) return;
        loop().log(log_level::warning, "cluster",
                   "Redis at " + text_of(from) + " does not say which node has which slots: " +
                       (reply ? "it has none, or they make no sense" : reply.error().message()));
    });
    if (map_wanted_) loop().arm_sooner(ask_again_, later(loop().now(), wanted_.reconnect_max));
}

void cluster_client::apply(const std::vector<slot_range>& map, const redis_address& from) {
    std::vector<node*> fresh(slot_count);
    bool has_all = true;
    for (const slot_range& range : map) {
        node* const to = node_at(range.host.empty() ? from.host : range.host, range.port);
        has_all = has_all && to != nullptr;
        std::fill(fresh.begin() + range.first, fresh.begin() + range.last + 1, to);
    }
    for (std::size_t slot = 0; slot < slot_count; ++slot) {
        give(static_cast<std::uint16_t>(slot), fresh[slot]);
    }
    has_map_ = true;
    unplaced_ = !has_all;
    for (book& known : books_) {
        for (const auto& [name, one] : known) settle(one);
    }
    send_waiting();
    update_gap();
}

void cluster_client::tick() {
    const time_point now = loop().now();
    loop().arm(tick_, later(now, wanted_.reconnect_max));
    within_memory([&] {
        drop_idle_nodes();
        if (std::none_of(nodes_.begin(), nodes_.end(),
                         [](const auto& one) { return one->talker.is_open(); })) {
            add_seeds();
        }
        if (is_open() && waiting_.empty() && !unplaced_ && !map_wanted_) return;
        hint_ = {{}, 0};  // it had its time
        want_map();
    });
    update_gap();
}

// ---- Commands ----

result<void> cluster_client::command(std::string_view key,
                                     std::span<const std::string_view> arguments,
                                     reply_handler done) {
    if (home_->loop.ended()) return weft::errc::shutting_down;
    const owner_scope own(home_->loop.owner());
    if (!own) return weft::errc::wrong_thread;
    if (!started_) return error(weft::errc::invalid_state, "it was not started");
    std::uint64_t size = heap_cost_of<routed> + (done ? done.heap_size() : 0);
    for (const std::string_view word : arguments) size += word.size() + sizeof(std::size_t);
    if (size > wanted_.max_queue - std::min(*queued_, wanted_.max_queue)) {
        home_->metrics.refused.add();
        return errc::queue_full;
    }
    const auto what = std::make_shared<routed>(home_, queued_, arguments, size);
    what->slot = slot_of(key);
    what->due = later(loop().now(), wanted_.command_timeout);
    what->done = std::move(done);
    if (node* const to = slots_[what->slot]) return send(*to, what);
    await_node(what);
    want_map();
    return {};
}

result<void> cluster_client::send(node& to, const routed_ptr& what) {
    const time_point now = loop().now();
    to.used = now;
    command_options how;
    how.timeout =
        what->due == time_point::max() ? duration::max() : std::max(what->due - now, duration(1));
    if (std::exchange(what->asks, false)) {
        constexpr std::array<std::string_view, 1> asking{"ASKING"};
        if (auto sent = to.talker.command(asking, {}, how); !sent) return sent;
    }
    return to.talker.command(
        what->words(),
        [mine = weak_from_this(), what, by = to.at](result<reply_view> reply) {
            const auto self = mine.lock();
            if (self == nullptr || self->left_) return what->answer(std::move(reply));
            self->answered(what, by, std::move(reply));
        },
        how);
}

void cluster_client::send_on(node* to, const routed_ptr& what) {
    if (to == nullptr) return what->answer(error(errc::no_node));
    if (auto sent = send(*to, what); !sent) what->answer(sent.error());
}

void cluster_client::await_node(const routed_ptr& what) {
    waiting_.push_back(what);
    if (what->due != time_point::max()) loop().arm_sooner(expiry_, what->due);
}

void cluster_client::send_waiting() {
    auto all = std::exchange(waiting_, {});
    while (!all.empty() && !left_) {
        const routed_ptr next = std::move(all.front());
        all.pop_front();
        node* const to = slots_[next->slot];
        to != nullptr ? send_on(to, next) : await_node(next);
    }
    for (const routed_ptr& one : all) one->answer(error(weft::errc::closed_locally));
}

void cluster_client::expire_waiting() {
    const time_point now = loop().now();
    std::list<routed_ptr> late;
    time_point next = time_point::max();
    for (auto at = waiting_.begin(); at != waiting_.end();) {
        const auto one = at++;
        if ((*one)->due <= now) {
            late.splice(late.end(), waiting_, one);
        } else {
            next = std::min(next, (*one)->due);
        }
    }
    if (next != time_point::max()) loop().arm(expiry_, next);
    for (const routed_ptr& one : late) {
        home_->metrics.timed_out.add();
        one->answer(explained(make_error_code(weft::errc::timed_out),
                              "command_timeout: no node of the Redis Cluster served the slot"));
    }
}

void cluster_client::answered(const routed_ptr& what, const redis_address& by,
                              result<reply_view> reply) {
    if (reply) return what->answer(std::move(reply));
    const error& why = reply.error();
    if (why.code() == weft::errc::closed_locally) {
        return what->answer(explained(errc::connection_lost, "the node has left the cluster"));
    }
    if (why.code() != errc::refused_by_server) {
        if (why.code() == errc::connection_lost) want_map();
        return what->answer(std::move(reply));
    }
    try {
        if (const auto where = read_redirection(why.what())) {
            if (++what->hops > most_hops) {
                return what->answer(error(errc::redirected_too_often, why.what()));
            }
            node* const next = follow(*where, by);
            what->asks = where->what == redirection::kind::ask;
            return send_on(next, what);
        }
        const bool again = why.what().starts_with("TRYAGAIN");
        if (!again && !why.what().starts_with("CLUSTERDOWN")) return what->answer(std::move(reply));
        what->hops = 0;
        await_node(what);
        if (again) want_map();  // else the cluster needs a while
    } catch (const std::bad_alloc&) {
        what->answer(error(std::make_error_code(std::errc::not_enough_memory)));
    }
}

// ---- Subscriptions ----

result<void> cluster_client::subscribe(channel_kind kind, std::string_view channel,
                                       message_handler handler, subscribed_handler done) {
    if (home_->loop.ended()) return weft::errc::shutting_down;
    const owner_scope own(home_->loop.owner());
    if (!own) return weft::errc::wrong_thread;
    if (!started_) return error(weft::errc::invalid_state, "it was not started");
    if (channel.size() > max_channel_name) {
        return error(weft::errc::invalid_argument, "a channel's name is longer than 16 KiB");
    }
    book& known = book_of(kind);
    if (known.find(channel) != known.end()) {
        return error(weft::errc::invalid_state, "the channel is subscribed");
    }
    auto fresh = std::make_shared<subscription>();
    fresh->kind = kind;
    fresh->name = channel;
    fresh->slot = slot_of(channel);
    known.emplace(fresh->name, fresh);
    fresh->handler = std::move(handler);
    fresh->done = std::move(done);
    within_memory([&] { place(fresh); });
    return {};
}

bool cluster_client::unsubscribe(channel_kind kind, std::string_view channel) {
    const owner_scope own(home_->loop.owner());
    if (!own) return false;
    const auto found = book_of(kind).find(channel);
    if (found == book_of(kind).end()) return false;
    const subscription_ptr gone = found->second;
    book_of(kind).erase(found);
    ++gone->placing;
    if (gone->at != nullptr) gone->at->talker.unsubscribe(kind, channel);
    if (std::exchange(gone->lost, false)) --lost_;  // the tick tells the end of the gap
    try {
        if (gone->done) {
            home_->loop.post([all = ending(home_, {}, {gone}, weft::errc::closed_locally)] {});
        }
    } catch (const std::bad_alloc&) {
        gone->answer(*home_, error(weft::errc::closed_locally));
    }
    return true;
}

/// Puts it to the node of its slot, or lets it wait for one.
void cluster_client::place(const subscription_ptr& one) {
    const std::uint64_t placing = ++one->placing;
    one->at = nullptr;
    const bool others_wait = std::exchange(unplaced_, true);
    node* const to = slots_[one->slot];
    if (to == nullptr) return want_map();
    const auto asked = to->talker.subscribe(
        one->kind, one->name,
        [one](std::string_view channel, std::string_view payload) {
            one->handler(channel, payload);
        },
        [mine = weak_from_this(), one, placing](const result<void>& how) {
            if (one->placing != placing) return;
            const auto self = mine.lock();
            if (self == nullptr || self->left_) {
                if (auto done = std::exchange(one->done, nullptr)) done(how);
                return;
            }
            self->within_memory([&] { self->placed(one, how); });
        });
    if (!asked) return;
    to->used = loop().now();
    one->at = to;
    unplaced_ = others_wait;
}

void cluster_client::placed(const subscription_ptr& one, const result<void>& how) {
    if (!how && how.error().code() == errc::refused_by_server) return not_placed(one, how.error());
    if (!how) return one->answer(*home_, how);  // the loop goes
    one->confirmed = true;
    one->hops = 0;
    if (std::exchange(one->lost, false)) --lost_;
    one->answer(*home_, {});
    update_gap();
}

void cluster_client::not_placed(const subscription_ptr& one, const error& why) {
    const redis_address by = one->at != nullptr ? one->at->at : redis_address{};
    one->at = nullptr;
    ++one->placing;
    const auto where = read_redirection(why.what());
    if (where && where->what == redirection::kind::moved) {
        follow(*where, by);
        if (++one->hops <= most_hops) return place(one);
    }
    if (where || is_passing(why.what())) {
        unplaced_ = true;
        return;
    }
    book& known = book_of(one->kind);
    const auto found = known.find(one->name);
    if (found != known.end() && found->second == one) known.erase(found);
    if (std::exchange(one->lost, false)) --lost_;
    home_->metrics.subscriptions_lost.add();
    if (!one->done) {
        loop().log(
            log_level::warning, "cluster",
            "Redis refused to restore the subscription of " + one->name + ": " + why.message());
    }
    one->answer(*home_, why);
    update_gap();
}

/// After the map has changed: where does it belong now? Any node will do for channels that are
/// not of a shard.
void cluster_client::settle(const subscription_ptr& one) {
    node* const owner = slots_[one->slot];
    if (one->at != nullptr && one->at == owner) return;
    if (one->at != nullptr && one->kind != channel_kind::shard && one->at->slots > 0) return;
    if (one->at != nullptr) {
        one->at->talker.unsubscribe(one->kind, one->name);
        lose(*one);
    }
    one->hops = 0;
    place(one);
}

void cluster_client::lose(subscription& one) noexcept {
    if (one.confirmed && !std::exchange(one.lost, true)) ++lost_;
}

void cluster_client::update_gap() noexcept {
    const bool now = lost_ > 0 || std::any_of(nodes_.begin(), nodes_.end(), [](const auto& one) {
                         return one->in_gap && one->slots > 0;
                     });
    if (left_ || std::exchange(in_gap_, now) == now || !on_gap) return;
    home_->users->call([&] { on_gap(now ? gap::begins : gap::ends); },
                       [] { return user_place{.callback = "on_gap"}; });
}

// ---- The end ----

void cluster_client::leave() noexcept {
    left_ = true;
    const owner_scope own(home_->loop.owner());
    if (!started_ || home_->loop.ended()) return;
    ask_again_.cancel();
    tick_.cancel();
    expiry_.cancel();
    loop_end_.cancel();
    slots_ = {};
    auto nodes = std::exchange(nodes_, {});
    try {
        std::vector<subscription_ptr> unplaced;
        for (const book& known : books_) {
            for (const auto& [name, one] : known) {
                if (one->at == nullptr) unplaced.push_back(one);
            }
        }
        home_->loop.post([all = ending(home_, std::move(waiting_), std::move(unplaced),
                                       weft::errc::closed_locally)] {});
    } catch (const std::bad_alloc&) {
        finish(error(weft::errc::closed_locally));
    }
}

/// Answers those who wait here. Those who wait for a node are answered by its client.
void cluster_client::finish(const error& why) noexcept {
    const auto alive = shared_from_this();
    left_ = true;
    for (const routed_ptr& one : std::exchange(waiting_, {})) one->answer(error(why.code()));
    for (book& known : books_) {
        for (const auto& [name, one] : std::exchange(known, {})) {
            if (one->at == nullptr) one->answer(*home_, error(why.code()));
        }
    }
}

}  // namespace weft::cluster::redis
