// A connection's life: attempt, greeting, open, pause, and again. Every attempt has a serial
// number, and a stream's handler speaks for the connection only as long as `link_` is it; what an
// earlier one still reports is dropped. Invariant: a pending command is in exactly one list, and
// whoever takes it from there answers it: the reply, its timer, a loss, the end, or the end of the
// loop. Replies belong to the commands in `sent_` in order, so one whose time was up stays there,
// without its handler, until its reply comes.

#include "cluster/redis/connection.hpp"

#include <algorithm>
#include <array>
#include <new>

#include "base/explained.hpp"
#include "base/heap_cost.hpp"
#include "cluster/redis/master_search.hpp"
#include "cluster/redis/proto/command_writer.hpp"
#include "cluster/redis/proto/reply_reader.hpp"
#include "net/tls/tls_context.hpp"

namespace weft::cluster::redis {
namespace {

constexpr std::size_t most_text = 300;  // of the server's texts in our errors

/// The server's text as far as it is fit to be told.
error refusal(const reply_view& reply) {
    std::string text(reply.text().substr(0, most_text));
    std::replace_if(
        text.begin(), text.end(), [](char c) { return c < 0x20 || c == 0x7F; }, '?');
    return {errc::refused_by_server, std::move(text)};
}

/// What a server says that does not know the command, or not this version of the protocol.
bool knows_no_hello(const reply_view& reply) noexcept {
    const std::string_view text = reply.text();
    return text.starts_with("ERR unknown command") || text.starts_with("NOPROTO");
}

bool is_message(std::string_view kind) noexcept {
    return kind == "message" || kind == "pmessage" || kind == "smessage";
}

bool is_confirmation(std::string_view kind) noexcept {
    return kind == "subscribe" || kind == "psubscribe" || kind == "ssubscribe" ||
           kind == "unsubscribe" || kind == "punsubscribe" || kind == "sunsubscribe";
}

std::string_view kind_of(const reply_view& push) noexcept {
    return push.size() > 0 ? (*push.begin()).text() : std::string_view();
}

}  // namespace

/// A command that waits for its reply, or to be sent.
struct connection::pending final : net::timer_node {
    pending(connection& c, reply_handler d, const command_options& how) noexcept
        : timer_node(&fire),
          owner(c),
          done(std::move(d)),
          confirmed_by(how.confirmed_by),
          confirmations(how.confirmations) {}
    ~pending() { charge(0); }
    pending(const pending&) = delete;
    pending& operator=(const pending&) = delete;

    static void fire(timer_node& node) {
        auto& late = static_cast<pending&>(node);
        const auto alive = late.owner.shared_from_this();
        alive->expired(late);
    }
    void charge(std::uint64_t size) noexcept {
        owner.queued_ += size - charged;
        owner.home_->metrics.queued.add(size - charged);
        charged = size;
    }

    connection& owner;
    reply_handler done;  // empty: nobody waits
    std::string bytes;   // until they are sent
    std::string_view confirmed_by;
    std::size_t confirmations;
    std::uint64_t charged = 0;
    std::list<pending>::iterator self{};
};

/// Calls back at most once, and only if the connection still wants this attempt.
class connection::attempt {
public:
    attempt(connection& core, std::uint64_t serial)
        : core_(core.weak_from_this()), serial_(serial) {}
    std::shared_ptr<connection> take() noexcept {
        auto core = std::exchange(core_, {}).lock();
        return core != nullptr && core->serial_ == serial_ ? core : nullptr;
    }

private:
    std::weak_ptr<connection> core_;
    std::uint64_t serial_;
};

/// In a task of the loop that never runs: it dies with the loop, unless it is cancelled before.
class connection::end_of_loop {
public:
    explicit end_of_loop(connection& core) : core_(core.weak_from_this()) {}
    end_of_loop(end_of_loop&&) noexcept = default;
    end_of_loop& operator=(end_of_loop&&) = delete;
    ~end_of_loop() {
        if (const auto core = core_.lock()) core->finish(error(weft::errc::shutting_down));
    }

private:
    std::weak_ptr<connection> core_;
};

/// Answers those who waited at the end: when its task runs, or dies with the loop.
class connection::farewell {
public:
    farewell(std::shared_ptr<connection> core, std::list<pending>&& whom) noexcept
        : core_(std::move(core)), whom_(std::move(whom)) {}
    farewell(farewell&&) noexcept = default;
    farewell& operator=(farewell&&) = delete;
    ~farewell() {
        if (core_ != nullptr) core_->answer_all(whom_, error(weft::errc::closed_locally));
    }

private:
    std::shared_ptr<connection> core_;
    std::list<pending> whom_;
};

/// Reads what the server sends on one stream.
class connection::link final : public net::stream_handler {
public:
    link(std::shared_ptr<connection> core, net::byte_stream& stream)
        : core_(std::move(core)), stream_(stream), reader_(limits(core_->wanted())) {}

    void on_data(byte_span data) noexcept override {
        if (core_->link_ != this) return;
        core_->home_->metrics.bytes_received.add(data.size());
        core_->heard();
        core_->within_memory([&] {
            if (!kept_.empty()) return keep(as_text(data));
            read(as_text(data));
        });
    }
    void on_turn() noexcept override {
        if (core_->link_ != this || kept_.empty()) return;
        core_->heard();  // what waits here is no silence of the server
        core_->within_memory([&] { read(std::string_view(kept_).substr(kept_read_)); });
    }
    void on_deadline() noexcept override {
        if (core_->link_ != this) return;
        core_->drop(explained(make_error_code(weft::errc::timed_out),
                              "connect_timeout, while the server was greeted"));
    }
    void on_closed(std::error_code why) noexcept override {
        if (core_->link_ == this) core_->lost(error(why));
    }

private:
    static reply_limits limits(const redis_options& wanted) noexcept {
        return {.max_bulk = wanted.max_reply_size, .max_reply = wanted.max_reply_size};
    }
    void read(std::string_view data) {
        net::loop_core& loop = core_->loop();
        while (!data.empty()) {
            if (!loop.has_work_left()) return put_off(data);
            const auto [status, consumed] = reader_.feed(data);
            if (status == reply_status::failed) return core_->drop(error(reader_.error()));
            data.remove_prefix(consumed);
            loop.spend_work(net::message_work + consumed / net::bytes_copied_per_work);
            if (status == reply_status::complete) core_->take(reader_.reply());
            if (core_->link_ != this) return;
        }
        if (kept_.empty()) return;
        kept_ = {};
        kept_read_ = 0;
        stream_.resume_reading();
    }
    /// Other connections of the loop come first.
    void put_off(std::string_view rest) {
        if (kept_.empty()) {
            keep(rest);
            stream_.pause_reading();
        } else {
            kept_read_ = kept_.size() - rest.size();
        }
        stream_.await_turn();
    }
    /// No more than a read brings: nothing is read until it is gone.
    void keep(std::string_view rest) { kept_.append(rest); }

    const std::shared_ptr<connection> core_;
    net::byte_stream& stream_;
    reply_reader reader_;
    std::string kept_;  // what waits for a turn
    std::size_t kept_read_ = 0;
};

result<void> connection_home::prepare(const redis_options& wanted) {
    if (wanted.tls && tls == nullptr) {
        tls_client_options secure = *wanted.tls;
        secure.alpn.clear();
        auto made = net::tls_client_context::make(secure);
        if (!made) return made.error();
        tls = std::move(*made);
    }
    net::loop_core& core = *loop.core();
    if (users) return {};
    users.emplace("cluster", core.options().log, metrics.handler_exceptions, core.callbacks());
    return {};
}

connection::connection(std::shared_ptr<connection_home> home,
                       std::shared_ptr<const redis_options> wanted, connection_user& user,
                       connection_role role, persistence lasts)
    : home_(std::move(home)),
      wanted_(std::move(wanted)),
      user_(&user),
      role_(role),
      lasts_(lasts),
      at_(needs_master() ? redis_address{{}, 0} : redis_address{wanted_->host, wanted_->port}),
      life_([this] {
          const auto alive = shared_from_this();
          look_for_life();
      }),
      retry_([this] {
          const auto alive = shared_from_this();
          begin();
      }) {}

connection::~connection() = default;

template <class F>
void connection::guarded(std::string_view callback, F&& what) noexcept {
    home_->users->call(std::forward<F>(what), [&] { return user_place{.callback = callback}; });
}

/// Without memory the connection is lost, and comes back.
template <class F>
void connection::within_memory(F&& what) noexcept {
    try {
        what();
    } catch (const std::bad_alloc&) {
        drop(error(std::make_error_code(std::errc::not_enough_memory)));
    }
}

void connection::become(state next) noexcept {
    state_ = next;
    ++serial_;
    link_ = nullptr;
    stream_ = nullptr;
    if (search_ != nullptr) std::exchange(search_, nullptr)->cancel();
    life_.cancel();
    retry_.cancel();
}

// ---- Commands ----

result<void> connection::start() {
    if (state_ != state::idle) return error(weft::errc::invalid_state, "it was started before");
    try {
        loop_end_ = home_->loop.after(duration::max(), [guard = end_of_loop(*this)] {});
    } catch (const std::bad_alloc&) {
        return error(std::make_error_code(std::errc::not_enough_memory));
    }
    begin();
    return {};
}

result<void> connection::command(std::span<const std::string_view> arguments, reply_handler done,
                                 const command_options& how) {
    if (state_ == state::idle) return error(weft::errc::invalid_state, "it was not started");
    if (state_ == state::ended) return weft::errc::shutting_down;
    const std::uint64_t size =
        heap_cost_of<pending> + command_size(arguments) + (done ? done.heap_size() : 0);
    if (size > wanted().max_queue - std::min(queued_, wanted().max_queue)) {
        home_->metrics.refused.add();
        return errc::queue_full;
    }
    std::string bytes;
    append_command(bytes, arguments);
    const bool open = is_open();
    auto& list = open ? sent_ : unsent_;
    pending& added = list.emplace_back(*this, std::move(done), how);
    added.self = std::prev(list.end());
    added.charge(size);
    home_->metrics.commands.add();
    const duration patience = how.timeout.value_or(wanted().command_timeout);
    if (patience != duration::max()) loop().arm(added, later(loop().now(), patience));
    if (open) {
        write(bytes);
    } else {
        added.bytes = std::move(bytes);
    }
    return {};
}

void connection::write(std::string_view bytes) noexcept {
    home_->metrics.bytes_sent.add(bytes.size());
    stream_->write(as_bytes(bytes));
}

void connection::send_waiting() {
    while (!unsent_.empty()) {
        pending& first = unsent_.front();
        write(std::exchange(first.bytes, {}));
        sent_.splice(sent_.end(), unsent_, unsent_.begin());
    }
}

void connection::expired(pending& late) noexcept {
    home_->metrics.timed_out.add();
    reply_handler done = std::exchange(late.done, nullptr);
    if (!late.bytes.empty()) unsent_.erase(late.self);  // what was sent is answered one day
    answer(std::move(done), explained(make_error_code(weft::errc::timed_out), "command_timeout"));
}

void connection::answer(reply_handler done, result<reply_view> with) noexcept {
    if (!done) return;
    guarded("the handler of a reply", [&] { done(std::move(with)); });
}

void connection::answer_first(result<reply_view> with) {
    if (!with) home_->metrics.server_refused.add();
    reply_handler done = std::move(sent_.front().done);
    sent_.pop_front();
    answer(std::move(done), std::move(with));
}

void connection::answer_all(std::list<pending>& whom, const error& why) noexcept {
    while (!whom.empty()) {
        reply_handler done = std::move(whom.front().done);
        whom.pop_front();
        if (done) answer(std::move(done), explained(why.code(), why.what()));
    }
}

// ---- What the server says ----

bool connection::is_push(const reply_view& reply) const noexcept {
    if (reply.type() == reply_type::push) return true;
    if (role_ != connection_role::subscriptions || protocol_ != redis_protocol::resp2) {
        return false;
    }
    const std::string_view kind = reply.type() == reply_type::array ? kind_of(reply) : "";
    return is_message(kind) || is_confirmation(kind);
}

/// Whether it confirms the subscriptions of the command that waits first.
bool connection::confirm(const reply_view& push) {
    if (sent_.empty()) return false;
    pending& first = sent_.front();
    if (first.confirmations == 0 || kind_of(push) != first.confirmed_by || !user_->confirms(push)) {
        return false;
    }
    if (--first.confirmations == 0) answer_first(push);
    return true;
}

void connection::take(const reply_view& reply) {
    if (state_ == state::greeting) return greeted(reply);
    if (is_push(reply)) {
        if (confirm(reply)) return;
        return user_->on_push(reply);
    }
    if (sent_.empty() || (sent_.front().confirmations > 0 && !reply.is_error())) {
        return drop(error(errc::unexpected_reply));
    }
    if (!reply.is_error()) return answer_first(reply);
    const bool demoted = needs_master() && reply.text().starts_with("READONLY");
    answer_first(refusal(reply));
    if (demoted && is_open()) drop(error(errc::not_a_master));
}

void connection::heard() noexcept {
    heard_ = loop().now();
    pinged_ = false;
}

void connection::look_for_life() noexcept {
    const time_point silent = later(heard_, wanted().ping_interval);
    if (silent > loop().now()) return loop().arm(life_, silent);
    if (pinged_) {
        return drop(explained(make_error_code(weft::errc::timed_out),
                              "the server gave no sign of life for ping_timeout"));
    }
    within_memory([&] {
        constexpr std::array<std::string_view, 1> ping{"PING"};
        std::string bytes;
        append_command(bytes, ping);
        sent_.emplace_back(*this, nullptr, command_options{});
        home_->metrics.commands.add();
        pinged_ = true;
        write(bytes);
        loop().arm(life_, later(loop().now(), wanted().ping_timeout));
    });
}

// ---- An attempt ----

void connection::begin() noexcept {
    become(state::connecting);
    begun_ = loop().now();
    deadline_ = later(begun_, wanted().connect_timeout);
    try {
        needs_master() ? search() : connect();
    } catch (const std::bad_alloc&) {
        lost(error(std::make_error_code(std::errc::not_enough_memory)));
    }
}

void connection::search() {
    search_ = std::make_shared<master_search>(
        home_, wanted_, [mine = attempt(*this, serial_)](result<redis_address> found) mutable {
            const auto core = mine.take();
            if (core == nullptr) return;
            if (!found) return core->lost(found.error());
            core->within_memory([&] {
                core->at_ = std::move(*found);
                core->named_by_ = core->home_->last_sentinel;
                core->deadline_ = later(core->loop().now(), core->wanted().connect_timeout);
                core->connect();
            });
        });
    const auto asking = search_;  // it may be over at once
    asking->ask();
}

void connection::connect() {
    net::connect_options to{at_.host, at_.port, wanted().unix_path, wanted().connect_timeout,
                            home_->tls};
    to.tls_name = wanted().tls_name.empty() ? at_.host : wanted().tls_name;
    loop().connect(std::move(to),
                   [mine = attempt(*this, serial_)](result<net::byte_stream*> made) mutable {
                       if (const auto core = mine.take()) {
                           core->within_memory([&] { core->connected(std::move(made)); });
                       } else if (made) {
                           (*made)->abort(make_error_code(weft::errc::closed_locally));
                       }
                   });
}

void connection::connected(result<net::byte_stream*> made) {
    if (!made) return lost(made.error());
    stream_ = *made;
    auto handler = std::make_unique<link>(shared_from_this(), *stream_);
    link_ = handler.get();
    stream_->set_handler(std::move(handler));
    stream_->set_deadline(deadline_);
    state_ = state::greeting;
    greet(wanted().protocol);
}

void connection::write_step(std::string& out, step which,
                            std::span<const std::string_view> arguments) {
    steps_.push_back(which);
    append_command(out, arguments);
}

/// Says who we are: in one command to a server that knows RESP3, else in as many as it takes.
void connection::greet(redis_protocol version) {
    const redis_options& o = wanted();
    protocol_ = version;
    steps_.clear();
    std::string out;
    std::vector<std::string_view> words;
    if (version == redis_protocol::resp3) {
        words = {"HELLO", "3"};
        if (!o.password.empty()) {
            const std::string_view user = o.user.empty() ? "default" : std::string_view(o.user);
            words.insert(words.end(), {"AUTH", user, o.password});
        }
        if (!o.client_name.empty()) words.insert(words.end(), {"SETNAME", o.client_name});
        write_step(out, step::hello, words);
        return write(out);
    }
    if (!o.password.empty()) {
        words = {"AUTH"};
        if (!o.user.empty()) words.emplace_back(o.user);
        words.emplace_back(o.password);
        write_step(out, step::auth, words);
    }
    if (!o.client_name.empty()) {
        words = {"CLIENT", "SETNAME", o.client_name};
        write_step(out, step::set_name, words);
    }
    write_last_steps(out);
    if (wanted().database == 0 && !needs_master()) {  // an answer shows that commands are taken
        constexpr std::array<std::string_view, 1> ping{"PING"};
        write_step(out, step::ping, ping);
    }
    write(out);
}

void connection::write_last_steps(std::string& out) {
    if (wanted().database != 0) write_select(out);
    if (!needs_master()) return;
    constexpr std::array<std::string_view, 1> role{"ROLE"};
    write_step(out, step::role, role);
}

void connection::write_select(std::string& out) {
    const std::string database = std::to_string(wanted().database);
    const std::array<std::string_view, 2> words{"SELECT", database};
    write_step(out, step::select, words);
}

void connection::greeted(const reply_view& reply) {
    const step answered = steps_.front();
    steps_.erase(steps_.begin());
    if (answered == step::hello && reply.is_error() && knows_no_hello(reply)) {
        return greet(redis_protocol::resp2);
    }
    if (reply.type() == reply_type::push) return drop(error(errc::unexpected_reply));
    if (reply.is_error() && answered != step::set_name) {
        error why = refusal(reply);
        const std::string& secret = wanted().password;
        // Some servers repeat the arguments of what they refuse.
        if (!secret.empty() && why.what().find(secret) != std::string::npos) {
            why = error(errc::refused_by_server, "the greeting was refused");
        }
        return drop(why);
    }
    if (answered == step::role && kind_of(reply) != "master") {
        home_->last_sentinel = named_by_ + 1;  // this one is behind the times
        return drop(error(errc::not_a_master));
    }
    if (answered == step::hello) {
        std::string out;
        write_last_steps(out);
        if (!out.empty()) write(out);
    }
    if (steps_.empty()) opened();
}

void connection::opened() {
    state_ = state::open;
    opened_at_ = heard_;
    stream_->clear_deadline();
    home_->metrics.connects.add();
    loop().arm(life_, later(heard_, wanted().ping_interval));
    if (std::exchange(complained_, false)) {
        loop().log(log_level::info, "cluster", "Redis at " + where() + " is back");
    }
    send_waiting();
    user_->on_open();
}

// ---- Its end ----

void connection::drop(const error& why) noexcept {
    if (stream_ != nullptr) stream_->abort(why.code());
    lost(why);
}

void connection::lost(const error& why) noexcept {
    if (state_ == state::ended) return;
    const auto alive = shared_from_this();
    if (why.code() == weft::errc::shutting_down) return finish(why);
    const bool was_open = is_open();
    auto& metrics = home_->metrics;
    (was_open ? metrics.losses : metrics.connect_failures).add();
    if (lasts_ == persistence::once) return finish(why);
    become(state::waiting);
    const bool lasted = was_open && loop().now() - opened_at_ >= wanted().reconnect_max;
    failures_ = lasted ? 0 : failures_ + 1;
    const auto random = home_->random.next_u32().value_or(UINT32_MAX / 2);
    // An attempt that nobody answered has waited by itself.
    const time_point since = was_open ? loop().now() : begun_;
    loop().arm(retry_, std::max(later(since, pause_before_retry(wanted(), failures_, random)),
                                loop().now()));
    tell_log(why);
    auto unanswered = std::move(sent_);
    sent_.clear();
    for (pending& one : unanswered) {
        one.cancel();
        if (one.done) metrics.lost.add();
    }
    if (was_open) user_->on_lost();
    answer_all(unanswered, explained(make_error_code(errc::connection_lost), why.what()));
}

void connection::end() noexcept {
    const owner_scope own(home_->loop.owner());
    if (state_ == state::ended) return;
    user_ = nullptr;
    if (!own) return;
    if (stream_ != nullptr) stream_->close();
    become(state::ended);
    loop_end_.cancel();
    sent_.splice(sent_.end(), unsent_);
    for (pending& one : sent_) one.cancel();
    try {
        home_->loop.post([all = farewell(shared_from_this(), std::move(sent_))] {});
    } catch (const std::bad_alloc&) {  // they were answered at once
    }
}

void connection::reset(std::error_code why) noexcept {
    if (stream_ != nullptr) stream_->abort(why);
}

/// It does not come back.
void connection::finish(const error& why) noexcept {
    if (state_ == state::ended) return;
    const auto alive = shared_from_this();
    become(state::ended);
    sent_.splice(sent_.end(), unsent_);
    auto unanswered = std::move(sent_);
    sent_.clear();
    for (pending& one : unanswered) one.cancel();
    if (user_ != nullptr) user_->on_abandoned();
    answer_all(unanswered, why);
}

std::string connection::where() const {
    if (!wanted().unix_path.empty()) return wanted().unix_path;
    if (at_.port == 0) return wanted().master_name;  // never found yet
    return at_.host + ':' + std::to_string(at_.port);
}

/// Once per outage.
void connection::tell_log(const error& why) noexcept {
    if (std::exchange(complained_, true)) return;
    try {
        loop().log(log_level::warning, "cluster",
                   "Redis at " + where() + ": " + why.message() + "; trying again");
    } catch (const std::bad_alloc&) {  // the counters tell it
    }
}

}  // namespace weft::cluster::redis
