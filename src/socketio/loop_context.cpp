// What a Socket.IO server has on one loop. Names of sockets and rights to acknowledge point here,
// may outlive everything, and may be used on any thread: they reach a socket only through `find`,
// on the loop's thread, and nothing once `core_` is null.
//
// Invariant: handlers run either from a packet, a timer or a posted task, never from inside of a
// call that a handler makes. So a socket that leaves is only marked, and told in `finish_leaving`.

#include "socketio/loop_context.hpp"

#include <algorithm>
#include <exception>
#include <iterator>
#include <utility>

#include "base/heap_cost.hpp"
#include "socketio/broadcast_wait.hpp"
#include "socketio/client_link.hpp"
#include "socketio/error_answer.hpp"
#include "socketio/recovery.hpp"
#include "socketio/stored_recovery.hpp"

namespace weft::socketio {
void metrics::visit(metric_visitor visitor) const {
    const auto gauge = [&](std::string_view name, std::string_view help, const counter& c) {
        visitor({name, {}, help, metric_kind::gauge, c.read()});
    };
    const auto count = [&](std::string_view name, std::string_view labels, std::string_view help,
                           const counter& c) {
        visitor({name, labels, help, metric_kind::counter, c.read()});
    };
    gauge("weft_socketio_clients", "Connections of Socket.IO clients.", clients);
    gauge("weft_socketio_sockets", "Connected sockets, one per client and namespace.", sockets);
    count("weft_socketio_connected_total", {}, "Sockets that were connected.", connected);
    count("weft_socketio_refused_total", {}, "Sockets that were not let in.", refused);
    count("weft_socketio_events_total", "direction=\"in\"", "Events.", events_received);
    count("weft_socketio_events_total", "direction=\"out\"", "Events.", events_sent);
    count("weft_socketio_acks_total", "direction=\"in\"", "Acknowledgements.", acks_received);
    count("weft_socketio_acks_total", "direction=\"out\"", "Acknowledgements.", acks_sent);
    count("weft_socketio_acks_timed_out_total", {}, "Acknowledgements that did not come in time.",
          acks_timed_out);
    count("weft_socketio_acks_unknown_total", {}, "Acknowledgements that nobody waited for.",
          acks_unknown);
    count("weft_socketio_unhandled_events_total", {}, "Events without a handler.",
          unhandled_events);
    count("weft_socketio_refused_events_total", {},
          "Events that a middleware refused, or whose arguments did not decode.", refused_events);
    count(handler_exceptions_name, {}, handler_exceptions_help, handler_exceptions);
    count("weft_socketio_recoveries_total", "outcome=\"recovered\"",
          "Clients that came back with a recovery id.", recovered);
    count("weft_socketio_recoveries_total", "outcome=\"unknown\"",
          "Clients that came back with a recovery id.", recoveries_failed);
    errors.visit(visitor);
}

namespace {

/// With its place in the table of those who wait.
std::size_t ack_cost(const detail::ack_callback& told) noexcept {
    constexpr std::size_t node = heap_cost(sizeof(void*) + sizeof(void*) + sizeof(std::uint64_t));
    constexpr std::size_t buckets = sizeof(void*) * 3 / 2;
    return heap_cost_of<pending_ack> + node + buckets +
           (told.heap_size() != 0 ? heap_cost(told.heap_size()) : 0);
}

}  // namespace

pending_ack::pending_ack(socket_core& by, std::uint32_t named, detail::ack_callback told) noexcept
    : timer_node(&fire),
      owner(by),
      id(named),
      on_ack(std::move(told)),
      next(by.waiting),
      to_me(&by.waiting),
      charge(by.context().loop().budget(), ack_cost(on_ack)) {
    if (next != nullptr) next->to_me = &next;
    by.waiting = this;
    ++by.waiting_count;
}

pending_ack::~pending_ack() {
    *to_me = next;
    if (next != nullptr) next->to_me = to_me;
    --owner.waiting_count;
}

void pending_ack::fire(net::timer_node& node) {
    auto& self = static_cast<pending_ack&>(node);
    detail::loop_context& context = self.owner.context();
    context.metrics.acks_timed_out.add();
    context.loop().tell_refusal(
        log_level::info, "socketio", "no acknowledgement came within its time-out (ack_timeout)",
        [&] {
            return refusal_facts{
                self.owner.session.peer().address().to_string(), self.owner.space->name, {}};
        });
    context.settle(self, error(weft::errc::timed_out, "acknowledgement"));
}

namespace detail {

loop_context::loop_context(server_core& owner, ws::connection_shared& below)
    : users("socketio", below.loop.options().log, metrics.handler_exceptions,
            below.loop.callbacks()),
      core_(&owner),
      topics_(owner.topics()),
      ref_(below.loop.ref()),
      loop_(below.loop),
      below_(below),
      leave_timer_([this] { finish_leaving(); }) {}

loop_context::~loop_context() = default;

user_place loop_context::place_of(std::string_view callback, const socket_core* about,
                                  std::string_view event) {
    user_place place{.callback = callback, .event = event};
    if (about != nullptr) {
        place.nsp = about->space->name;
        place.peer = about->session.peer().address().to_string();
    }
    return place;
}

void loop_context::note(errc why, const peer* from, std::string_view where,
                        std::string_view value) noexcept {
    metrics.errors.count(why);
    const error_row& row = describe(why);
    // The first three may also be a limit; the last one may have nobody who hears of it.
    const bool worth_a_warning = row.kind == condition::limit_exceeded ||
                                 why == errc::bad_attachment_count || why == errc::bad_namespace ||
                                 why == errc::bad_event_name || why == errc::bad_argument;
    loop_.tell_refusal(worth_a_warning ? log_level::warning : log_level::info, "socketio", row.text,
                       [&] {
                           refusal_facts facts{.route = where, .value = value};
                           if (from != nullptr) facts.peer = from->address().to_string();
                           return facts;
                       });
}

void loop_context::tell_error(socket_core& s, const error& why) noexcept {
    if (why.code() == errc::bad_argument) {
        note(errc::bad_argument, &s.session.peer(), s.space->name, why.what());
    } else if (why.code().category() == error_category()) {
        metrics.errors.count(static_cast<errc>(why.code().value()));
    }
    for (auto& told : s.space->handlers->error) guarded("on_error", &s, [&] { told(s, why); });
}

bool loop_context::draw_id(std::span<char, 20> into) noexcept {
    constexpr std::string_view alphabet =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::array<std::byte, 20> drawn{};
    if (!below_.random.fill(drawn)) return false;
    for (std::size_t i = 0; i < drawn.size(); ++i)
        into[i] = alphabet[std::to_integer<std::size_t>(drawn[i]) % alphabet.size()];
    return true;
}

// ---- Answers that are given here or elsewhere ----

template <class Args>
void loop_context::acknowledge_from_anywhere(std::uint64_t peer, std::uint64_t id,
                                             Args&& what) noexcept {
    within_memory([&] {
        if (!on_thread()) {
            post([self = shared_from_this(), peer, id,
                  what = encoded_arguments(std::forward<Args>(what))] {
                self->acknowledge_from_anywhere(peer, id, what);
            });
            return;
        }
        if (socket_core* s = find(peer); s != nullptr && s->now == socket_core::state::connected)
            s->link.send_ack(s->space->name, id, what);
    });
}

void loop_context::acknowledge(std::uint64_t peer, std::uint64_t id,
                               const encoded_arguments& what) noexcept {
    acknowledge_from_anywhere(peer, id, what);
}

void loop_context::acknowledge(std::uint64_t peer, std::uint64_t id,
                               encoded_arguments&& what) noexcept {
    acknowledge_from_anywhere(peer, id, std::move(what));
}

void loop_context::refuse(std::uint64_t peer, std::optional<std::uint64_t> id,
                          const error& why) noexcept {
    within_memory([&] {
        if (!on_thread()) {
            post([self = shared_from_this(), peer, id, why] { self->refuse(peer, id, why); });
            return;
        }
        socket_core* s = find(peer);
        if (s == nullptr || s->now != socket_core::state::connected) return;
        metrics.refused_events.add();
        if (id) s->link.send_ack(s->space->name, *id, detail::encode_error(why));
        tell_error(*s, why);
    });
}

void loop_context::failed(std::uint64_t peer, std::optional<std::uint64_t> id,
                          std::exception_ptr thrown, std::string_view event) noexcept {
    within_memory([&] {
        if (!on_thread()) {
            post([self = shared_from_this(), peer, id, thrown = std::move(thrown),
                  event = std::string(event)] { self->failed(peer, id, thrown, event); });
            return;
        }
        socket_core* s = find(peer);
        users.report(thrown, [&] { return place_of("a handler", s, event); });
        if (s == nullptr || s->now != socket_core::state::connected) return;
        const error why(errc::handler_failed, "internal error");
        if (id) s->link.send_ack(s->space->name, *id, detail::encode_error(why));
        tell_error(*s, why);
    });
}

// ---- Namespaces that patterns made ----

namespace {

/// With its node in a list, and the one in the table, which has the name, too.
std::size_t child_cost(std::string_view name) noexcept {
    const std::size_t text = heap_cost(name.size() + 16);
    constexpr std::size_t counts = 2 * sizeof(void*);  // of a shared object
    return heap_cost(counts + sizeof(space_info)) + heap_cost(8 * sizeof(void*)) * 2 + 3 * text;
}

}  // namespace

std::shared_ptr<const space_info> loop_context::find_child(std::string_view name) const {
    const auto found = children_.find(name);
    return found != children_.end() ? found->second->info : nullptr;
}

std::shared_ptr<const space_info> loop_context::make_child(const space_info& pattern,
                                                           std::string_view name) {
    if (auto there = find_child(name)) return there;
    if (children_.size() >= core()->chosen.max_child_namespaces && !unused_.empty())
        drop_child(unused_.begin());
    if (children_.size() >= core()->chosen.max_child_namespaces) return nullptr;
    if (!loop_.budget().has_room(child_cost(name))) return nullptr;
    auto made = core()->make_child(pattern, name);
    unused_.push_back({made, byte_charge(loop_.budget(), child_cost(name))});
    const auto place = std::prev(unused_.end());
    try {
        children_.emplace(std::string(name), place);
    } catch (...) {
        unused_.erase(place);
        throw;
    }
    for (auto& told : made->handlers->new_namespace) {
        users.call([&] { told(name); },
                   [&] { return user_place{.callback = "on_new_namespace", .nsp = name}; });
    }
    return made;
}

void loop_context::drop_child(child_list::iterator which) noexcept {
    children_.erase(children_.find(which->info->name));
    unused_.erase(which);
}

void loop_context::use_child(const space_info& info) noexcept {
    const auto found = children_.find(info.name);
    if (found == children_.end() || found->second->info.get() != &info) return;
    if (found->second->users++ == 0) used_.splice(used_.end(), unused_, found->second);
}

void loop_context::leave_child(const space_info& info) noexcept {
    const auto found = children_.find(info.name);
    if (found == children_.end() || found->second->info.get() != &info) return;
    if (--found->second->users != 0) return;
    unused_.splice(unused_.end(), used_, found->second);
    if (core()->chosen.cleanup_empty_child_namespaces) drop_child(found->second);
}

void loop_context::count_socket(const space_info& space, bool entered) noexcept {
    if (entered) {
        metrics.sockets.add();
        space.handlers->sockets.fetch_add(1, std::memory_order_relaxed);
    } else {
        metrics.sockets.sub();
        space.handlers->sockets.fetch_sub(1, std::memory_order_relaxed);
    }
}

// ---- Acknowledgements that we wait for ----

void loop_context::wait_for_ack(socket_core& s, std::uint32_t id, duration limit,
                                ack_callback on_ack) {
    auto wait = std::make_unique<pending_ack>(s, id, std::move(on_ack));
    loop_.arm(*wait, later(loop_.now(), limit));
    pending.insert_or_assign(id, std::move(wait));
}

void loop_context::settle(pending_ack& wait, const result<raw_arguments>& answer) {
    const socket_core& owner = wait.owner;
    ack_callback told = std::move(wait.on_ack);
    pending.erase(wait.id);
    // Always; clang-tidy does not see who frees a wait.
    if (told) guarded("the callback of an acknowledgement", &owner, [&] { told(answer); });
}

void loop_context::on_ack(socket_core& s, std::uint64_t id, const raw_arguments& answer) {
    metrics.acks_received.add();
    if (id <= 0x7FFF'FFFFU) {
        const auto name = static_cast<std::uint32_t>(id);
        if (const auto found = pending.find(name);
            found != pending.end() && &found->second->owner == &s) {
            settle(*found->second, answer);
            return;
        }
        if (const auto found = asked.find(name);
            found != asked.end() && found->second->due.erase(s.key) != 0) {
            // Out of the table before anybody is told, who may ask, or end, something else.
            const auto collector = found->second->collector;
            if (found->second->due.empty()) asked.erase(found);
            collector->answer(*this, answer);
            return;
        }
    }
    metrics.acks_unknown.add();
}

void loop_context::forget_acks(socket_core& s) {
    while (s.waiting != nullptr) settle(*s.waiting, error(weft::errc::closed_by_peer));
    // Whoever is told may ask something new, so the table is looked through again each time.
    const auto owed = [&](const auto& entry) { return entry.second->due.erase(s.key) != 0; };
    for (auto found = asked.begin();
         (found = std::find_if(asked.begin(), asked.end(), owed)) != asked.end();) {
        const auto collector = found->second->collector;
        if (found->second->due.empty()) asked.erase(found);
        within_memory([&] { collector->lost(*this); });
    }
}

// ---- What waits for the end of the turn ----

void loop_context::forward(std::shared_ptr<const operation> what) {
    outgoing_.push_back(std::move(what));
    if (outgoing_.size() > 1) return;
    try {
        post([self = shared_from_this()] { self->flush(); });
    } catch (...) {
        outgoing_.clear();
        throw;
    }
}

void loop_context::flush() noexcept {
    server_core* const all = core();
    if (all == nullptr) return;
    auto outgoing = std::exchange(outgoing_, {});
    const bool told = within_memory([&] {
        const auto batch = std::make_shared<const std::vector<std::shared_ptr<const operation>>>(
            std::move(outgoing));
        for (const auto& other : all->reach->loops()) {
            if (other.get() == this) continue;
            other->post([other, batch] {
                if (other->core() == nullptr) return;
                for (const auto& what : *batch) what->run(*other);
            });
        }
    });
    if (!told)
        loop_.log(log_level::error, "socketio",
                  "memory is out: a broadcast was lost between loops");
}

void loop_context::finish_later(socket_core& s) {
    leaving_.push_back(s.key);
    if (leaving_.size() > 1) return;
    try {
        post([self = shared_from_this()] { self->finish_leaving(); });
    } catch (...) {  // memory is out: a tick later, then
        loop_.arm(leave_timer_, loop_.now());
    }
}

void loop_context::finish_leaving() noexcept {
    for (const socket_key key : std::exchange(leaving_, {})) {
        if (socket_core* s = find(key)) s->link.finish(*s);
    }
}

void loop_context::close() noexcept {
    recovery.reset();
    stored.reset();
    pending.clear();
    asked.clear();
    // Other loops may hold them still, and be the last.
    while (!collecting.empty())
        for (const auto& one : std::exchange(collecting, {})) one->abandon();
    outgoing_.clear();
    leaving_.clear();
    leave_timer_.cancel();
    children_.clear();
    used_.clear();
    unused_.clear();
    core_ = nullptr;
}

}  // namespace detail
}  // namespace weft::socketio
