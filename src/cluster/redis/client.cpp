// A client: two connections, and the book of subscriptions. What is to be subscribed or
// unsubscribed stands in one queue, in order; one batch of it is on its way at a time, so a
// thousand channels cost a few commands, whether they are new or come back after a loss.
// Invariant: the book says what the user wants; the queue is emptied at a loss and filled anew from
// the book when the connection is back. Each subscription has a serial number, so that what is told
// of an earlier one with the same name is dropped.

#include "cluster/redis/client.hpp"

#include <array>
#include <deque>
#include <functional>
#include <new>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "cluster/redis/proto/slot.hpp"

namespace weft::cluster::redis {
namespace {

constexpr std::size_t most_names = 256;  // of a batch; of a cluster's shard channels: batches
constexpr std::size_t most_bytes = 16 * 1024;

struct verbs {
    std::string_view add, remove;     // the commands
    std::string_view added, removed;  // what confirms them
};
constexpr std::array<verbs, 3> verbs_of{{
    {"SUBSCRIBE", "UNSUBSCRIBE", "subscribe", "unsubscribe"},
    {"PSUBSCRIBE", "PUNSUBSCRIBE", "psubscribe", "punsubscribe"},
    {"SSUBSCRIBE", "SUNSUBSCRIBE", "ssubscribe", "sunsubscribe"},
}};
constexpr std::size_t index(channel_kind kind) noexcept {
    return static_cast<std::size_t>(kind);
}

struct string_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept {
        return std::hash<std::string_view>()(text);
    }
};

struct subscription {
    message_handler handler;
    subscribed_handler done;  // until it was called
    std::uint64_t serial;
    bool asked = false;  // of the server, on this connection
};
using book =
    std::unordered_map<std::string, std::shared_ptr<subscription>, string_hash, std::equal_to<>>;

enum class operation_kind : std::uint8_t { add, remove };
struct operation {
    operation_kind what;
    channel_kind kind;
    std::string name;
    std::uint64_t serial;
    bool alone = false;  // a batch with it was refused: whose fault is it?
};

}  // namespace

class client::core final : public std::enable_shared_from_this<client::core> {
public:
    core(std::shared_ptr<connection_home> home, redis_options wanted)
        : home_(std::move(home)),
          wanted_(std::make_shared<const redis_options>(std::move(wanted))) {}

    result<void> start();
    result<void> command(std::span<const std::string_view> arguments, reply_handler done,
                         const command_options& how);
    result<void> subscribe(channel_kind kind, std::string_view name, message_handler handler,
                           subscribed_handler done);
    bool unsubscribe(channel_kind kind, std::string_view name);
    void leave() noexcept;
    [[nodiscard]] bool is_open() const noexcept { return takes_commands() && channels_->is_open(); }
    [[nodiscard]] bool takes_commands() const noexcept {
        return commands_ != nullptr && commands_->is_open();
    }
    [[nodiscard]] const redis_metrics& metrics() const noexcept { return home_->metrics; }
    unique_function<void(gap)> on_gap;
    unique_function<void()> on_open;
    refused_handler on_refused;

private:
    struct commands_user final : connection_user {
        void on_open() override {
            const auto alive = owner->shared_from_this();
            if (alive->on_open && !alive->left_) alive->on_open();
        }
        void on_lost() noexcept override {}
        void on_push(const reply_view&) override { owner->home_->metrics.ignored.add(); }
        void on_abandoned() noexcept override {}
        core* owner = nullptr;
    };
    struct channels_user final : connection_user {
        void on_open() override {
            with([](core& c) { c.opened(); });
        }
        void on_lost() noexcept override {
            with([](core& c) { c.lost(); });
        }
        void on_push(const reply_view& what) override {
            with([&](core& c) { c.received(what); });
        }
        bool confirms(const reply_view& what) override { return owner->confirms(what); }
        void on_abandoned() noexcept override {
            with([](core& c) { c.answer_waiting(error(weft::errc::shutting_down)); });
        }
        template <class F>
        void with(F use) {
            const auto alive = owner->shared_from_this();
            use(*alive);
        }
        core* owner = nullptr;
    };
    class refusal;  // what tells subscribers later that it is over

    void opened();
    void lost() noexcept;
    void received(const reply_view& what);
    [[nodiscard]] bool confirms(const reply_view& what);
    void ended_by_server(std::string_view name);
    [[nodiscard]] bool may_fly() const noexcept;
    [[nodiscard]] bool is_node() const noexcept { return !wanted_->cluster_nodes.empty(); }
    void deliver(channel_kind kind, std::string_view name, std::string_view channel,
                 std::string_view payload);
    void go_on() noexcept;
    bool send_batch();
    void batch_ended(const std::vector<operation>& batch, const result<reply_view>& how);
    void refused(const operation& one, const error& why);
    void tell_gap(gap which) noexcept;
    void answer(subscribed_handler done, result<void> how) noexcept;
    void answer_waiting(const error& why) noexcept;
    void answer_later(std::shared_ptr<subscription> one, std::array<book, 3> many) noexcept;
    [[nodiscard]] subscription* find(const operation& of) {
        const auto found = books_[index(of.kind)].find(of.name);
        if (found == books_[index(of.kind)].end()) return nullptr;
        return found->second->serial == of.serial ? found->second.get() : nullptr;
    }

    const std::shared_ptr<connection_home> home_;
    const std::shared_ptr<const redis_options> wanted_;
    commands_user commands_user_;
    channels_user channels_user_;
    std::shared_ptr<connection> commands_;
    std::shared_ptr<connection> channels_;
    std::array<book, 3> books_;
    std::deque<operation> queue_;
    std::uint64_t last_serial_ = 0;
    std::size_t flying_ = 0;            // batches that are on their way
    bool shards_fly_ = false;           // and they are to subscribe shard channels
    std::deque<std::string> removing_;  // shard channels, as they are going to be confirmed
    bool in_gap_ = false;
    bool left_ = false;
};

/// Tells subscribers that it is over: when its task runs, or dies with the loop.
class client::core::refusal {
public:
    refusal(std::shared_ptr<core> teller, std::shared_ptr<subscription> one,
            std::array<book, 3>&& many) noexcept
        : teller_(std::move(teller)), one_(std::move(one)), many_(std::move(many)) {}
    refusal(refusal&&) noexcept = default;
    refusal& operator=(refusal&&) = delete;
    ~refusal() {
        if (teller_ == nullptr) return;
        if (one_ != nullptr) tell(*one_);
        for (book& known : many_) {
            for (const auto& [name, one] : known) tell(*one);
        }
    }

private:
    void tell(subscription& one) noexcept {
        teller_->answer(std::move(one.done), error(weft::errc::closed_locally));
    }
    std::shared_ptr<core> teller_;
    std::shared_ptr<subscription> one_;
    std::array<book, 3> many_;
};

result<void> client::core::start() {
    if (home_->loop.ended()) return weft::errc::shutting_down;
    const owner_scope own(home_->loop.owner());
    if (!own) return weft::errc::wrong_thread;
    if (commands_ != nullptr) return error(weft::errc::invalid_state, "it was started before");
    if (auto checked = wanted_->check(); !checked) return checked;
    if (auto prepared = home_->prepare(*wanted_); !prepared) return prepared;
    commands_user_.owner = this;
    channels_user_.owner = this;
    auto commands =
        std::make_shared<connection>(home_, wanted_, commands_user_, connection_role::commands);
    auto channels = std::make_shared<connection>(home_, wanted_, channels_user_,
                                                 connection_role::subscriptions);
    if (auto begun = commands->start(); !begun) return begun;
    if (auto begun = channels->start(); !begun) {
        commands->end();
        return begun;
    }
    commands_ = std::move(commands);
    channels_ = std::move(channels);
    return {};
}

result<void> client::core::command(std::span<const std::string_view> arguments, reply_handler done,
                                   const command_options& how) {
    if (home_->loop.ended()) return weft::errc::shutting_down;
    const owner_scope own(home_->loop.owner());
    if (!own) return weft::errc::wrong_thread;
    if (commands_ == nullptr) return error(weft::errc::invalid_state, "it was not started");
    return commands_->command(arguments, std::move(done), how);
}

// ---- Subscriptions ----

result<void> client::core::subscribe(channel_kind kind, std::string_view name,
                                     message_handler handler, subscribed_handler done) {
    if (home_->loop.ended()) return weft::errc::shutting_down;
    const owner_scope own(home_->loop.owner());
    if (!own) return weft::errc::wrong_thread;
    if (channels_ == nullptr) return error(weft::errc::invalid_state, "it was not started");
    if (name.size() > max_channel_name) {
        return error(weft::errc::invalid_argument, "a channel's name is longer than 16 KiB");
    }
    book& known = books_[index(kind)];
    if (known.find(name) != known.end()) {
        return error(weft::errc::invalid_state, "the channel is subscribed");
    }
    auto fresh = std::make_shared<subscription>();
    fresh->serial = ++last_serial_;
    if (channels_->is_open()) {
        queue_.push_back({operation_kind::add, kind, std::string(name), fresh->serial});
    }
    subscription& added = *known.emplace(name, std::move(fresh)).first->second;
    added.handler = std::move(handler);
    added.done = std::move(done);
    go_on();
    return {};
}

bool client::core::unsubscribe(channel_kind kind, std::string_view name) {
    const owner_scope own(home_->loop.owner());
    if (!own) return false;
    book& known = books_[index(kind)];
    const auto found = known.find(name);
    if (found == known.end()) return false;
    const auto gone = found->second;
    if (gone->asked) {
        queue_.push_back({operation_kind::remove, kind, std::string(name), gone->serial});
    }
    known.erase(found);
    if (gone->done) answer_later(gone, {});
    go_on();
    return true;
}

void client::core::opened() {
    queue_.clear();
    removing_.clear();
    flying_ = 0;
    for (std::size_t kind = 0; kind < books_.size(); ++kind) {
        for (auto& [name, one] : books_[kind]) {
            one->asked = false;
            queue_.push_back(
                {operation_kind::add, static_cast<channel_kind>(kind), name, one->serial});
        }
    }
    go_on();
}

void client::core::lost() noexcept {
    queue_.clear();
    removing_.clear();
    flying_ = 0;
    for (book& known : books_) {
        for (auto& [name, one] : known) one->asked = false;
    }
    if (!std::exchange(in_gap_, true)) tell_gap(gap::begins);
}

/// Sends the next batch, unless one is on its way. Without memory the connection is given up, and
/// all is done anew.
void client::core::go_on() noexcept {
    if (left_ || !channels_->is_open()) return;
    try {
        while (!queue_.empty() && may_fly()) {
            if (send_batch()) ++flying_;
        }
    } catch (const std::bad_alloc&) {
        return channels_->reset(std::make_error_code(std::errc::not_enough_memory));
    }
    if (flying_ == 0 && std::exchange(in_gap_, false)) tell_gap(gap::ends);
}

/// One batch at a time. But a node of a cluster takes shard channels of one slot per command, so
/// these follow each other.
bool client::core::may_fly() const noexcept {
    if (flying_ == 0) return true;
    const operation& next = queue_.front();
    return shards_fly_ && flying_ < most_names && channels_->queued() <= wanted_->max_queue / 4 &&
           !next.alone && next.kind == channel_kind::shard && next.what == operation_kind::add &&
           is_node();
}

/// Takes from the queue what one command can say. False when nothing of it is wanted any more.
bool client::core::send_batch() {
    const operation_kind what = queue_.front().what;
    const channel_kind kind = queue_.front().kind;
    std::vector<operation> batch;
    std::size_t bytes = 0;
    while (!queue_.empty() && batch.size() < most_names && bytes < most_bytes) {
        operation& next = queue_.front();
        if (next.what != what || next.kind != kind || (next.alone && !batch.empty())) break;
        if (is_node() && kind == channel_kind::shard && !batch.empty() &&
            slot_of(next.name) != slot_of(batch.front().name)) {
            break;
        }
        const bool alone = next.alone;
        subscription* const wanted = what == operation_kind::add ? find(next) : nullptr;
        if (wanted != nullptr) wanted->asked = true;
        if (wanted != nullptr || what == operation_kind::remove) {
            bytes += next.name.size();
            batch.push_back(std::move(next));
        }
        queue_.pop_front();
        if (alone) break;
    }
    if (batch.empty()) return false;
    const verbs& say = verbs_of[index(kind)];
    const bool adds = what == operation_kind::add;
    shards_fly_ = adds && kind == channel_kind::shard;
    removing_.clear();
    if (!adds && kind == channel_kind::shard) {
        for (const operation& one : batch) removing_.push_back(one.name);
    }
    std::vector<std::string_view> words{adds ? say.add : say.remove};
    for (const operation& one : batch) words.emplace_back(one.name);
    // A server that does not answer is found by its sign of life: then all is done anew.
    const command_options how{duration::max(), adds ? say.added : say.removed, batch.size()};
    const auto sent = channels_->command(
        words,
        [mine = weak_from_this(), batch](const result<reply_view>& outcome) {
            const auto self = mine.lock();
            if (self != nullptr && !self->left_) self->batch_ended(batch, outcome);
        },
        how);
    return sent.has_value();  // it is: the connection is open, and max_queue has room for a batch
}

void client::core::batch_ended(const std::vector<operation>& batch, const result<reply_view>& how) {
    if (!how && how.error().code() != errc::refused_by_server) return;  // all is done anew
    --flying_;
    if (!how && batch.size() > 1) {
        try {
            for (auto one = batch.rbegin(); one != batch.rend(); ++one) {
                queue_.push_front(*one);
                queue_.front().alone = true;
            }
        } catch (const std::bad_alloc&) {
            return channels_->reset(std::make_error_code(std::errc::not_enough_memory));
        }
        return go_on();
    }
    for (const operation& one : batch) {
        if (one.what == operation_kind::remove) continue;
        if (!how) {
            refused(one, how.error());
        } else if (subscription* const known = find(one); known != nullptr && known->done) {
            answer(std::move(known->done), {});
        }
    }
    go_on();
}

/// It is no subscription, or not any more.
void client::core::refused(const operation& one, const error& why) {
    const subscription* const known = find(one);
    if (known == nullptr) return;
    const auto gone = std::move(books_[index(one.kind)].extract(one.name).mapped());
    if (!is_node()) home_->metrics.subscriptions_lost.add();  // else it may go elsewhere
    if (gone->done) return answer(std::move(gone->done), why);
    if (on_refused) return on_refused(one.kind, one.name, why);
    home_->loop.core()->log(
        log_level::warning, "cluster",
        "Redis refused to restore the subscription of " + one.name + ": " + why.message());
}

// ---- What comes ----

void client::core::received(const reply_view& what) {
    std::array<std::string_view, 4> words;
    std::size_t many = 0;
    for (const reply_view one : what) {
        if (many == words.size()) break;
        words[many++] = one.text();
    }
    if (words[0] == "message" && what.size() == 3) {
        return deliver(channel_kind::plain, words[1], words[1], words[2]);
    }
    if (words[0] == "pmessage" && what.size() == 4) {
        return deliver(channel_kind::pattern, words[1], words[2], words[3]);
    }
    if (words[0] == "smessage" && what.size() == 3) {
        return deliver(channel_kind::shard, words[1], words[1], words[2]);
    }
    if (words[0] == "sunsubscribe") return ended_by_server(words[1]);
    home_->metrics.ignored.add();
}

/// The server also says by itself that a shard channel is none any more, at any time.
bool client::core::confirms(const reply_view& what) {
    auto word = what.begin();
    if ((*word).text() != "sunsubscribe") return true;
    if (removing_.empty() || what.size() < 2 || (*++word).text() != removing_.front()) return false;
    removing_.pop_front();
    return true;
}

/// The slot has gone to another node. It is asked for again: the refusal says where it is.
void client::core::ended_by_server(std::string_view name) {
    const auto found = books_[index(channel_kind::shard)].find(name);
    if (found == books_[index(channel_kind::shard)].end() || !found->second->asked) {
        return home_->metrics.ignored.add();
    }
    queue_.push_back(
        {operation_kind::add, channel_kind::shard, found->first, found->second->serial});
    found->second->asked = false;
    if (!std::exchange(in_gap_, true)) tell_gap(gap::begins);
    go_on();
}

void client::core::deliver(channel_kind kind, std::string_view name, std::string_view channel,
                           std::string_view payload) {
    const auto found = books_[index(kind)].find(name);
    if (found == books_[index(kind)].end()) return home_->metrics.ignored.add();
    home_->metrics.messages.add();
    const auto alive = found->second;  // the handler may unsubscribe
    home_->users->call([&] { alive->handler(channel, payload); },
                       [] { return user_place{.callback = "the handler of a channel"}; });
}

void client::core::tell_gap(gap which) noexcept {
    if (!on_gap || left_) return;
    home_->users->call([&] { on_gap(which); }, [] { return user_place{.callback = "on_gap"}; });
}

void client::core::answer(subscribed_handler done, result<void> how) noexcept {
    if (!done) return;
    home_->users->call([&] { done(std::move(how)); },
                       [] { return user_place{.callback = "the handler of a subscription"}; });
}

// ---- The end ----

void client::core::answer_waiting(const error& why) noexcept {
    for (book& known : books_) {
        for (const auto& [name, one] : std::exchange(known, {})) {
            answer(std::move(one->done), error(why.code()));
        }
    }
}

void client::core::answer_later(std::shared_ptr<subscription> one,
                                std::array<book, 3> many) noexcept {
    try {
        home_->loop.post([all = refusal(shared_from_this(), std::move(one), std::move(many))] {});
    } catch (const std::bad_alloc&) {  // they were answered at once
    }
}

void client::core::leave() noexcept {
    left_ = true;
    const owner_scope own(home_->loop.owner());
    if (commands_ == nullptr || home_->loop.ended()) return;
    commands_->end();
    channels_->end();
    answer_later(nullptr, std::move(books_));
}

// ---- The face ----

client::client(loop_ref loop, redis_options wanted)
    : client(std::make_shared<connection_home>(std::move(loop)), std::move(wanted)) {}
client::client(std::shared_ptr<connection_home> home, redis_options wanted)
    : core_(std::make_shared<core>(std::move(home), std::move(wanted))) {}
client::~client() {
    core_->leave();
}
result<void> client::start() {
    return core_->start();
}
result<void> client::command(std::span<const std::string_view> arguments, reply_handler done,
                             const command_options& how) {
    return core_->command(arguments, std::move(done), how);
}
result<void> client::publish(channel_kind kind, std::string_view channel, std::string_view payload,
                             reply_handler done) {
    if (kind == channel_kind::pattern) {
        return error(weft::errc::invalid_argument, "nothing is published on a pattern");
    }
    return command({kind == channel_kind::shard ? "SPUBLISH" : "PUBLISH", channel, payload},
                   std::move(done));
}
result<void> client::subscribe(channel_kind kind, std::string_view channel, message_handler handler,
                               subscribed_handler done) {
    return core_->subscribe(kind, channel, std::move(handler), std::move(done));
}
bool client::unsubscribe(channel_kind kind, std::string_view channel) {
    return core_->unsubscribe(kind, channel);
}
void client::on_gap(unique_function<void(gap)> handler) {
    core_->on_gap = std::move(handler);
}
void client::on_open(unique_function<void()> handler) {
    core_->on_open = std::move(handler);
}
void client::on_refused(refused_handler handler) {
    core_->on_refused = std::move(handler);
}
bool client::is_open() const noexcept {
    return core_->is_open();
}
bool client::takes_commands() const noexcept {
    return core_->takes_commands();
}
const redis_metrics& client::metrics() const noexcept {
    return core_->metrics();
}

}  // namespace weft::cluster::redis
