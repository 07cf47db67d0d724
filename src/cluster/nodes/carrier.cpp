// A process as one of several nodes. Invariant: a request that waits for another node is connected
// or lost within `connect_timeout`, whatever Redis, the network and the other node do; and what
// peers make us remember of nodes that there are not is bounded and soon forgotten.

#include "cluster/nodes/carrier.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <new>
#include <utility>

#include <weft/base/base64.hpp>

#include "cluster/nodes/carried_request.hpp"
#include "cluster/nodes/carried_stream.hpp"
#include "engineio/shard.hpp"
#include "net/tls/tls_context.hpp"

namespace weft::cluster::nodes {
namespace {

/// Peers can make tags up: that there is no such node is known for so long.
constexpr duration unknown_pause = std::chrono::seconds(1);

std::uint32_t key_of_tag(std::string_view text) noexcept {
    std::uint32_t key = 0;
    std::memcpy(&key, text.data(), sizeof key);
    return key;
}

tag tag_of_key(std::uint32_t key) noexcept {
    tag made{};
    std::memcpy(made.data(), &key, sizeof key);
    return made;
}

std::string text_of(const tag& t) {
    return {t.data(), t.size()};
}

/// What a node announces of itself: the address may have colons, too.
std::optional<std::pair<std::string, std::uint16_t>> read_address(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos || colon == 0 || text.size() > 300) return std::nullopt;
    std::uint16_t port = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, wrong] = std::from_chars(text.data() + colon + 1, end, port);
    if (wrong != std::errc{} || stop != end || port == 0) return std::nullopt;
    return std::pair(std::string(text.substr(0, colon)), port);
}

stream_facts facts_of(const http::request& what, std::string_view sid) {
    const socket_address client = what.peer().address();
    const bool named = client.family() != address_family::unix_path;
    return {.address = named ? client.address() : std::string(),
            .port = client.port(),
            .secure = what.peer().secure(),
            .by_proxy = what.by_proxy(),
            .sid = std::string(sid)};
}

}  // namespace

carrier::carrier(std::shared_ptr<link> over, const std::vector<net::loop_core*>& loops,
                 acceptance accept, log_sink* log)
    : link_(std::move(over)),
      chosen_(*link_->chosen().nodes),
      accept_(std::move(accept)),
      log_(log),
      home_loop_(*loops.front()),
      secret_(chosen_.secret),
      home_{chosen_, secret_, {}, metrics_, random_, *this} {
    for (net::loop_core* const loop : loops) parts_.push_back(std::make_unique<loop_part>(*loop));
    (void)draw_tag();  // without entropy `start` fails
}

carrier::~carrier() = default;

// ---- Who we are ----

result<void> carrier::draw_tag() {
    std::array<std::byte, 3> random;
    if (!random_.fill(random))
        return error(weft::errc::not_supported, "no entropy for the node's tag");
    constexpr std::string_view letters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const std::uint32_t bits = std::to_integer<std::uint32_t>(random[0]) << 16U |
                               std::to_integer<std::uint32_t>(random[1]) << 8U |
                               std::to_integer<std::uint32_t>(random[2]);
    for (unsigned i = 0; i < home_.own.size(); ++i) home_.own[i] = letters[bits >> 6U * i & 63U];
    tag_.store(key_of_tag({home_.own.data(), home_.own.size()}), std::memory_order_relaxed);
    return {};
}

engineio::node_tag carrier::tag() const noexcept {
    return tag_of_key(tag_.load(std::memory_order_relaxed));
}

std::string carrier::key_of(tag_key whose) const {
    return link_->chosen().prefix + ":node:" + text_of(tag_of_key(whose));
}

result<void> carrier::start() {
    if (listener_) return {};
    if (tag_.load() == 0) {
        if (auto drawn = draw_tag(); !drawn) return drawn;
    }
    if (chosen_.tls) {
        auto server = net::tls_server_context::make(*chosen_.tls);
        if (!server) return server.error();
        tls_server_ = std::move(*server);
        auto client = net::tls_client_context::make(*chosen_.tls_client);
        if (!client) return client.error();
        tls_client_ = std::move(*client);
    }
    listen_options where;
    where.host = chosen_.host;
    where.port = chosen_.port;
    const auto listener = home_loop_.listen(where, *this, tls_server_);
    if (!listener) return listener.error();
    const auto bound = home_loop_.local_address(*listener);
    if (!bound) return bound.error();
    listener_ = *listener;
    address_ = (chosen_.announce.empty() ? chosen_.host : chosen_.announce) + ':' +
               std::to_string(bound->port());
    link_->home().post([weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->try_announce();
    });
    return {};
}

/// A tag that another node has is given up, with the sessions that have it: two of sixteen million.
/// Once it is ours it is said again and again, also after Redis has lost it.
void carrier::announce() {
    const std::string lease = std::to_string(chosen_.lease.count());
    const std::string key = key_of(tag_.load());
    auto done = [weak = weak_from_this()](const result<redis::reply_view>& how) {
        const auto self = weak.lock();
        if (self && how) self->announced(how->text() == "OK");
    };
    const auto sent =
        claimed_ ? link_->redis().command(key, {"SET", key, address_, "PX", lease}, std::move(done))
                 : link_->redis().command(key, {"SET", key, address_, "NX", "PX", lease},
                                          std::move(done));
    (void)sent;  // it is said again
}

void carrier::announced(bool ours) {
    if (draining_ || claimed_) return;
    if (!ours) return look_who_has_it();
    claimed_ = true;
    log(log_level::info, "this node is " + text_of(home_.own) + ", found at " + address_);
}

/// It may be us: the answer to an earlier attempt was lost.
void carrier::look_who_has_it() {
    const std::string key = key_of(tag_.load());
    (void)link_->redis().command(key, {"GET", key},
                                 [weak = weak_from_this()](const result<redis::reply_view>& how) {
                                     const auto self = weak.lock();
                                     if (!self || !how) return;
                                     if (how->text() == self->address_)
                                         return self->announced(true);
                                     (void)self->draw_tag();
                                     self->announce();
                                 });
}

void carrier::try_announce() noexcept {
    if (draining_) return;
    home_loop_.arm(announcement_, later(home_loop_.now(), chosen_.lease / 3));
    try {
        announce();
    } catch (const std::bad_alloc&) {  // next time, then
    }
}

void carrier::stop_announcing() {
    announcement_.cancel();
    if (!claimed_) return;
    const std::string key = key_of(tag_.load());
    (void)link_->redis().command(key, {"DEL", key});
}

// ---- Requests of clients of this node ----

void carrier::carry(const http::request& what, std::string_view sid, http::responder answer,
                    unique_function<void(http::responder)> lost) {
    begin(what, sid, std::move(answer), std::move(lost));
}

void carrier::carry(const http::request& what, std::string_view sid, http::upgrade answer,
                    unique_function<void(http::upgrade)> lost) {
    begin(what, sid, std::move(answer), std::move(lost));
}

/// Outside of the call that asks for it. Where it is home already, that needs no wake-up.
template <class F>
void carrier::at_home(F task) {
    if (home_loop_.in_loop_thread()) return home_loop_.await_turn(std::move(task));
    link_->home().post(std::move(task));
}

template <class Handle>
void carrier::begin(const http::request& what, std::string_view sid, Handle answer,
                    unique_function<void(Handle)> lost) {
    loop_part& part = *parts_[what.id().loop()];
    if (part.draining) return lost(std::move(answer));
    const tag_key whose = key_of_tag(sid.substr(sid.size() - sizeof(tag_key)));
    const auto pipe = std::make_shared<pipe_end>(part.loop.ref(), link_->home());
    std::string facts = write_stream_facts(facts_of(what, sid));
    if (!carried_request<Handle>::begin(part, pipe, what, std::move(answer), std::move(lost)))
        return;
    pipe->join();
    try {
        at_home([weak = weak_from_this(), whose, stream = pipe->home(),
                 facts = std::move(facts)]() mutable {
            const auto self = weak.lock();
            if (!self) return;
            try {
                self->open(whose, {stream, std::move(facts)});
            } catch (const std::bad_alloc&) {
                stream->lose(std::make_error_code(std::errc::not_enough_memory));
            }
        });
    } catch (const std::bad_alloc&) {
        pipe->fail();
    }
}

// ---- Other nodes ----

carrier::owner* carrier::owner_of(tag_key whose) {
    const auto known = owners_.find(whose);
    if (known != owners_.end()) return &known->second;
    if (owners_.size() >= max_owners) forget_rested();
    if (owners_.size() >= max_owners) return nullptr;
    owner& fresh = owners_[whose];
    fresh.now = owner::step::resting;
    fresh.until = home_loop_.now();
    return &fresh;
}

void carrier::forget_rested() noexcept {
    std::erase_if(owners_, [now = home_loop_.now()](const auto& each) {
        return each.second.now == owner::step::resting && each.second.until <= now;
    });
}

void carrier::open(tag_key whose, request what) {
    owner* const o = draining_ ? nullptr : owner_of(whose);
    if (o == nullptr) {
        metrics_.full.add();
        return what.stream->lose(make_error_code(errc::unreachable));
    }
    if (o->now == owner::step::open) {
        if (what.stream->is_abandoned() || o->over->open(what.stream, what.facts)) return;
        metrics_.full.add();
        return what.stream->lose(make_error_code(errc::too_many_streams));
    }
    const bool rests = o->now == owner::step::resting;
    if (rests && home_loop_.now() < o->until) {
        metrics_.unreachable.add();
        return what.stream->lose(make_error_code(errc::unreachable));
    }
    o->waiting.push_back(std::move(what));
    if (!rests) return;
    o->until = later(home_loop_.now(), chosen_.connect_timeout);
    home_loop_.arm_sooner(patience_, o->until);
    o->attempt = ++attempts_;
    o->host.empty() ? find(whose, *o) : connect(whose, *o);
}

void carrier::find(tag_key whose, owner& o) {
    o.now = owner::step::asking;
    const std::string key = key_of(whose);
    const auto asked = link_->redis().command(
        key, {"GET", key},
        [weak = weak_from_this(), whose,
         attempt = o.attempt](const result<redis::reply_view>& how) {
            const auto self = weak.lock();
            if (self) self->found(whose, attempt, how ? how->text() : std::string_view());
        });
    if (!asked) give_up(o, asked.error().code(), chosen_.retry_pause);
}

void carrier::found(tag_key whose, std::uint32_t attempt, std::string_view address) {
    const auto known = owners_.find(whose);
    if (known == owners_.end() || known->second.attempt != attempt) return;
    owner& o = known->second;
    auto where = read_address(address);
    if (!where) return give_up(o, make_error_code(errc::unknown_node), unknown_pause);
    std::tie(o.host, o.port) = *std::move(where);
    connect(whose, o);
}

void carrier::connect(tag_key whose, owner& o) {
    o.now = owner::step::connecting;
    net::connect_options to;
    to.host = o.host;
    to.port = o.port;
    to.timeout = o.until - home_loop_.now();
    to.tls = tls_client_;
    to.tls_name = chosen_.tls_name.empty() ? o.host : chosen_.tls_name;
    home_loop_.connect(std::move(to), [weak = weak_from_this(), whose,
                                       attempt = o.attempt](result<net::byte_stream*> made) {
        const auto self = weak.lock();
        if (self) return self->connected(whose, attempt, std::move(made));
        if (made) (*made)->abort(make_error_code(weft::errc::closed_locally));
    });
}

void carrier::connected(tag_key whose, std::uint32_t attempt, result<net::byte_stream*> made) {
    const auto known = owners_.find(whose);
    if (known == owners_.end() || known->second.attempt != attempt) {
        if (made) (*made)->abort(make_error_code(weft::errc::closed_locally));
        return;
    }
    owner& o = known->second;
    if (!made) return give_up(o, made.error().code(), chosen_.retry_pause);
    auto handler = std::make_unique<connection>(home_, **made, side::asker, tag_of_key(whose));
    connection& fresh = *handler;
    askers_.emplace(&fresh, whose);
    o.over = &fresh;
    (*made)->set_handler(std::move(handler));
    fresh.greet();
}

void carrier::on_greeted(connection& which) {
    if (which.which() == side::owner) {
        --greetings_;
        return;
    }
    const auto asker = askers_.find(&which);
    if (asker == askers_.end()) return;
    owner& o = owners_.at(asker->second);
    o.now = owner::step::open;
    for (request& one : std::exchange(o.waiting, {})) {
        if (one.stream->is_abandoned() || which.open(one.stream, one.facts)) continue;
        one.stream->lose(make_error_code(errc::too_many_streams));
    }
}

/// What waited for it is lost, and it is left alone for a while. Without a pause it was there: it
/// may be there again.
void carrier::give_up(owner& o, std::error_code why, duration pause) noexcept {
    const bool unknown = why == make_error_code(errc::unknown_node);
    const bool lost_some = o.over != nullptr && o.over->lost_some();
    const bool asked = !unknown && !o.waiting.empty();
    if (why != weft::errc::shutting_down && (lost_some || asked)) {
        home_loop_.tell_refusal(
            log_level::warning, "cluster",
            "requests about sessions of another node are refused: it is gone or cannot be reached",
            [&] {
                return refusal_facts{.peer = o.host + ':' + std::to_string(o.port) + " (" +
                                             why.message() + ')'};
            });
    }
    if (pause != duration::zero()) o.host.clear();
    o.now = owner::step::resting;
    o.until = later(home_loop_.now(), pause);
    o.over = nullptr;
    o.attempt = ++attempts_;
    for (const request& one : std::exchange(o.waiting, {})) {
        (unknown ? metrics_.unknown : metrics_.unreachable).add();
        one.stream->lose(why);
    }
}

/// Those who have waited for too long, for whatever it is.
void carrier::look_at_owners() noexcept {
    const time_point now = home_loop_.now();
    time_point next = time_point::max();
    for (auto& [whose, o] : owners_) {
        if (o.now == owner::step::resting || o.now == owner::step::open) continue;
        if (o.until <= now) {
            connection* const over = o.over;
            if (over != nullptr) askers_.erase(over);
            give_up(o, make_error_code(errc::unreachable), chosen_.retry_pause);
            if (over != nullptr) over->abandon();
        } else {
            next = std::min(next, o.until);
        }
    }
    if (next != time_point::max()) home_loop_.arm(patience_, next);
}

// ---- Connections ----

std::unique_ptr<net::stream_handler> carrier::on_accept(net::byte_stream& stream) {
    if (greetings_ >= max_greetings) {
        home_loop_.tell_refusal(
            log_level::warning, "cluster",
            "a connection to the port for nodes is closed: 64 others have not greeted yet",
            [&] { return refusal_facts{.peer = stream.peer().address().to_string()}; });
        return nullptr;
    }
    auto made = std::make_unique<connection>(home_, stream, side::owner);
    serving_.push_back(made.get());
    ++greetings_;
    return made;
}

void carrier::on_gone(connection& which, std::error_code why) noexcept {
    if (why.category() == error_category()) {
        if (why == make_error_code(errc::wrong_proof)) {
            metrics_.auth_failures.add();
        } else if (why != make_error_code(errc::silent)) {
            metrics_.protocol_errors.add();
        }
        home_loop_.tell_refusal(log_level::warning, "cluster",
                                describe(static_cast<errc>(why.value())),
                                [&] { return refusal_facts{.peer = which.address().to_string()}; });
    }
    if (which.which() == side::owner) {
        std::erase(serving_, &which);
        if (!which.is_greeted()) --greetings_;
        return;
    }
    const auto asker = askers_.find(&which);
    if (asker == askers_.end()) return;
    const auto known = owners_.find(asker->second);
    askers_.erase(asker);
    if (known == owners_.end()) return;
    give_up(known->second, why, which.is_greeted() ? duration::zero() : chosen_.retry_pause);
}

std::shared_ptr<home_end> carrier::on_stream(stream_facts facts) {
    loop_part& part = *parts_[engineio::loop_of(facts.sid, parts_.size())];
    const auto pipe = std::make_shared<pipe_end>(part.loop.ref(), link_->home());
    auto stream = pipe->home();
    served_.emplace(stream.get(), &part);
    part.waited_for.fetch_add(1, std::memory_order_relaxed);
    auto serve = [self = shared_from_this(), &part, pipe, facts = std::move(facts)] {
        carried_stream::make(part, pipe, facts, [&](net::byte_stream& made) {
            return self->accept_(made, facts.by_proxy);
        });
    };
    try {  // before anything else of the stream gets there
        if (part.loop.in_loop_thread()) {
            serve();
        } else {
            part.loop.post(std::move(serve));
        }
    } catch (...) {
        stop_waiting_for(*stream);
        throw;
    }
    pipe->join();
    return stream;
}

void carrier::on_stream_over(const home_end& stream) noexcept {
    stop_waiting_for(stream);
}

void carrier::stop_waiting_for(const home_end& stream) noexcept {
    const auto found = served_.find(&stream);
    if (found == served_.end()) return;
    found->second->waited_for.fetch_sub(1, std::memory_order_relaxed);
    served_.erase(found);
}

// ---- The end ----

void carrier::drain() {
    link_->home().post([weak = weak_from_this()] {
        const auto self = weak.lock();
        if (!self || std::exchange(self->draining_, true)) return;
        if (self->listener_) self->home_loop_.close_listener(*self->listener_);
        self->stop_announcing();
    });
    for (const auto& part : parts_) {
        part->loop.post([part = part.get()] {
            part->draining = true;
            for (carried_end *each = part->first, *next = nullptr; each != nullptr; each = next) {
                next = each->next();
                each->on_drain();
            }
        });
    }
}

void carrier::shut_down() noexcept {
    announcement_.cancel();
    patience_.cancel();
    for (const auto& part : parts_) {
        while (part->first != nullptr) part->first->on_loop_end();
    }
    owners_.clear();
}

}  // namespace weft::cluster::nodes
