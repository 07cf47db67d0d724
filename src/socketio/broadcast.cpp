// What is said to, or done with, several sockets. Everything is an `operation`: run on this loop at
// once, and on the others through `loop_context::forward`; from a thread that runs no loop it goes
// to the first loop, which passes it on. The usual case, one loop and no adapter, makes no
// operation: the packet is written once and given to the hub.

#include <weft/socketio/broadcast.hpp>

#include <algorithm>
#include <atomic>
#include <utility>

#include "socketio/broadcast_wait.hpp"
#include "socketio/client_link.hpp"
#include "socketio/loop_context.hpp"
#include "socketio/packet_writer.hpp"
#include "socketio/recovery.hpp"

namespace weft::socketio::detail {
namespace {

/// Names that outlive the phrase.
struct owned_target {
    explicit owned_target(const broadcast_target& from)
        : space(from.space->shared_from_this()),
          rooms(from.rooms.begin(), from.rooms.end()),
          except(from.except.begin(), from.except.end()),
          flags(from.flags) {}

    std::shared_ptr<const space_info> space;
    std::vector<std::string> rooms, except;
    emit_flags flags;
};

/// Rooms as this server's topics. **Lifetime**: until the next one on this loop, whose memory it
/// uses.
template <class Rooms>
pubsub::audience hub_audience(loop_context& on, const space_info& space, const Rooms& rooms,
                              const Rooms& except) {
    std::string& names = on.topic_names;
    std::vector<std::string_view>& topics = on.topics;
    names.clear();
    topics.clear();
    std::size_t size = 0;
    for (const auto* list : {&rooms, &except}) {
        for (const auto& room : *list) size += space.name.size() + 1 + room.size();
    }
    names.reserve(size);  // so that the views into it stay
    const auto add = [&](std::string_view room) {
        const std::size_t begin = names.size();
        append_room_topic(names, space, room);
        topics.push_back(std::string_view(names).substr(begin));
    };
    for (const auto& room : rooms) add(room);
    if (topics.empty()) topics.push_back(space.name);
    const std::size_t count = topics.size();
    for (const auto& room : except) add(room);
    const std::span<const std::string_view> all(topics);
    return {on.topic({}).owner, all.first(count), all.subspan(count)};
}

/// Calls `use(space)` for the namespace meant: itself, or all that the pattern has made here.
template <class F>
void each_space(loop_context& on, const space_info& meant, F use) {
    if (!meant.pattern) {
        use(meant);
    } else {
        on.each_child([&](const space_info& child) {
            if (child.handlers == meant.handlers) use(child);
        });
    }
}

/// Calls `use(socket_core&)` for everyone who is connected and meant. It may do anything.
template <class F>
void each_socket(loop_context& on, const owned_target& to, F use) {
    std::vector<socket_key> found;
    each_space(on, *to.space, [&](const space_info& space) {
        const pubsub::audience meant = hub_audience(on, space, to.rooms, to.except);
        on.hub().for_each(meant, [&](pubsub::subscriber& who) {
            const auto& s = static_cast<socket_core&>(who);
            if (s.now == socket_core::state::connected) found.push_back(s.key);
        });
    });
    for (const socket_key key : found) {
        if (socket_core* s = on.find(key)) use(*s);
    }
}

/// An event that can be written for any namespace.
struct event_copy {
    event_copy(std::string_view event, const encoded_arguments& with) : name(event), args(with) {}
    std::string name;
    encoded_arguments args;
};

/// Publishes a written packet to one namespace's sockets on this loop, and logs it for those who
/// are absent.
template <class Rooms>
void publish_group(loop_context& on, const space_info& space, const Rooms& rooms,
                   const Rooms& except, std::span<const message> group,
                   std::optional<stamp> named) {
    const pubsub::audience meant = hub_audience(on, space, rooms, except);
    if (named) on.recovery->set_sending(named);
    on.hub().publish_local(meant, group);
    if (!named) return;
    on.recovery->set_sending({});
    on.recovery->record(*named, meant, group);
}

/// A broadcast that each loop writes for itself, to what a pattern has made there.
class publish final : public operation {
public:
    publish(const broadcast_target& to, std::string_view event, const encoded_arguments& args,
            std::optional<stamp> named)
        : to_(to), event_(event, args), named_(named) {}
    void run(loop_context& on) const override {
        on.metrics.events_sent.add();
        each_space(on, *to_.space, [&](const space_info& space) {
            write_event_group(on, space, event_.name, event_.args, to_.flags, named_);
            publish_group(on, space, to_.rooms, to_.except, on.group, named_);
            on.group.clear();
        });
    }

private:
    owned_target to_;
    event_copy event_;
    std::optional<stamp> named_;
};

/// A packet that was written once, for the other loops.
class publish_written final : public operation {
public:
    publish_written(const broadcast_target& to, std::vector<message> group,
                    std::optional<stamp> named)
        : to_(to), group_(std::move(group)), named_(named) {}
    void run(loop_context& on) const override {
        publish_group(on, *to_.space, to_.rooms, to_.except, group_, named_);
    }

private:
    owned_target to_;
    std::vector<message> group_;
    std::optional<stamp> named_;
};

class ask final : public operation {
public:
    ask(const broadcast_target& to, std::string_view event, const encoded_arguments& args,
        std::uint32_t id, duration limit, std::shared_ptr<reply_collector> collector)
        : to_(to), event_(event, args), id_(id), limit_(limit), collector_(std::move(collector)) {}
    void run(loop_context& on) const override {
        auto wait = std::make_unique<broadcast_wait>(on, id_, collector_);
        each_socket(on, to_, [&](socket_core& s) {
            wait->due.insert(s.key);
            s.link.send_event(s.space->name, id_, event_.name, event_.args, to_.flags);
        });
        const std::size_t asked = wait->due.size();
        if (asked != 0) {
            on.loop().arm(*wait, on.loop().now() + limit_);
            on.asked.insert_or_assign(id_, std::move(wait));
        }
        collector_->asked(on, asked);
    }

private:
    owned_target to_;
    event_copy event_;
    std::uint32_t id_;
    duration limit_;
    std::shared_ptr<reply_collector> collector_;
};

class change_membership final : public operation {
public:
    change_membership(const broadcast_target& of, std::string_view room, bool enter)
        : of_(of), room_(room), enter_(enter) {}
    void run(loop_context& on) const override {
        each_socket(on, of_, [&](socket_core& s) { enter_ ? s.join(room_) : s.leave(room_); });
    }

private:
    owned_target of_;
    std::string room_;
    bool enter_;
};

class disconnect_all final : public operation {
public:
    disconnect_all(const broadcast_target& of, disconnect_scope scope) : of_(of), scope_(scope) {}
    void run(loop_context& on) const override {
        each_socket(on, of_, [&](socket_core& s) { s.link.disconnect(s, scope_); });
    }

private:
    owned_target of_;
    disconnect_scope scope_;
};

/// Brings together what the loops found.
struct fetched {
    std::shared_ptr<loop_context> home;
    std::size_t loops_left;
    std::vector<remote_socket> all;
    unique_function<void(std::vector<remote_socket>)> done;

    void add(std::vector<remote_socket> some) {
        std::move(some.begin(), some.end(), std::back_inserter(all));
        if (--loops_left == 0) home->guarded([this] { done(std::move(all)); });
    }
};

class fetch final : public operation {
public:
    fetch(const broadcast_target& of, std::shared_ptr<fetched> into)
        : of_(of), into_(std::move(into)) {}
    void run(loop_context& on) const override {
        std::vector<remote_socket> found;
        each_socket(on, of_, [&](socket_core& s) {
            found.push_back({std::string(s.id_text()), s.rooms(), std::string(socket_auth(s)),
                             std::string(s.link.session().request().address())});
        });
        if (&on == into_->home.get()) {
            into_->add(std::move(found));
        } else {
            into_->home->post([into = into_, found = std::move(found)]() mutable {
                into->add(std::move(found));
            });
        }
    }

private:
    static std::string_view socket_auth(const socket_core& s) { return s.socket::auth(); }

    owned_target of_;
    std::shared_ptr<fetched> into_;
};

/// The loop that this runs on, or null.
loop_context* here(const broadcast_target& to) noexcept {
    return to.here != nullptr ? to.here : to.space->core->here();
}

void broadcast_from(loop_context& on, const broadcast_target& to, std::string_view event,
                    const encoded_arguments& args) {
    const server_core& core = *to.space->core;
    std::optional<stamp> named;
    if (on.recovery && !to.flags.droppable) named = on.recovery->next();
    if (to.space->pattern) {
        const auto what = std::make_shared<publish>(to, event, args, named);
        what->run(on);
        if (core.loops.size() > 1) on.forward(what);
        return;
    }
    on.metrics.events_sent.add();
    write_event_group(on, *to.space, event, args, to.flags, named);
    publish_group(on, *to.space, to.rooms, to.except, on.group, named);
    if (core.loops.size() > 1) on.forward(std::make_shared<publish_written>(to, on.group, named));
    on.group.clear();
}

void run_everywhere(const server_core& core, loop_context* on,
                    std::shared_ptr<const operation> what) {
    if (on != nullptr) {
        what->run(*on);
        if (core.loops.size() > 1) on->forward(std::move(what));
        return;
    }
    const auto& first = core.loops.front();
    first->post([first, what = std::move(what)] {
        if (first->core() == nullptr) return;
        what->run(*first);
        if (first->core()->loops.size() > 1) first->forward(what);
    });
}

void tell_cluster(const broadcast_target& to, cluster_message::kind kind,
                  std::string_view event = {}, const encoded_arguments* args = nullptr,
                  std::string_view room = {}, bool close = false) {
    const auto& adapter = to.space->core->chosen.adapter;
    if (!adapter || to.flags.local) return;
    auto told = std::make_shared<cluster_message>();
    told->what = kind;
    told->to = {
        to.space->name, {to.rooms.begin(), to.rooms.end()}, {to.except.begin(), to.except.end()}};
    if (!room.empty()) told->names.emplace_back(room);
    told->event = event;
    if (args != nullptr) {
        told->arguments = args->json;
        told->attachments = args->attachments;
    }
    told->droppable = to.flags.droppable;
    told->uncompressed = to.flags.uncompressed;
    told->latest = to.flags.latest;
    told->close = close;
    adapter->publish(std::move(told));
}

}  // namespace

void broadcast_encoded(const broadcast_target& to, std::string_view event,
                       const encoded_arguments& args) {
    if (to.space == nullptr || to.space->core->loops.empty()) return;
    loop_context* const on = here(to);
    tell_outgoing(*to.space, on, event, args);
    if (on != nullptr) {
        broadcast_from(*on, to, event, args);
    } else {
        // The first loop passes it on, so that what a thread says keeps its order everywhere.
        const auto& first = to.space->core->loops.front();
        first->post([first, owned = owned_target(to), copy = event_copy(event, args)] {
            if (first->core() == nullptr) return;
            broadcast_target borrowed;
            borrowed.space = owned.space.get();
            for (const std::string& room : owned.rooms) borrowed.rooms.add(room);
            for (const std::string& room : owned.except) borrowed.except.add(room);
            borrowed.flags = owned.flags;
            broadcast_from(*first, borrowed, copy.name, copy.args);
        });
    }
    tell_cluster(to, cluster_message::kind::broadcast, event, &args);
}

void broadcast_awaiting(const broadcast_target& to, std::string_view event,
                        const encoded_arguments& args, replies_callback on_reply) {
    if (to.space == nullptr) return;
    server_core& core = *to.space->core;
    if (core.loops.empty()) return;
    loop_context* const on = here(to);
    tell_outgoing(*to.space, on, event, args);
    const auto& home = on != nullptr ? *on : *core.loops.front();
    const duration limit =
        to.flags.timeout != duration::zero() ? to.flags.timeout : core.chosen.ack_timeout;
    auto collector = std::make_shared<reply_collector>(
        const_cast<loop_context&>(home).shared_from_this(), core.loops.size(), std::move(on_reply));
    auto what = std::make_shared<ask>(to, event, args, core.next_ack_id(), limit, collector);
    if (on != nullptr) {
        collector->start(limit);
    } else {
        const_cast<loop_context&>(home).post([collector, limit] { collector->start(limit); });
    }
    run_everywhere(core, on, std::move(what));
}

void fetch_sockets(const broadcast_target& of,
                   unique_function<void(std::vector<remote_socket>)> done) {
    if (of.space == nullptr || of.space->core->loops.empty()) return;
    const server_core& core = *of.space->core;
    loop_context* const on = here(of);
    auto home = on != nullptr ? on->shared_from_this() : core.loops.front();
    auto into = std::make_shared<fetched>();
    into->home = std::move(home);
    into->loops_left = core.loops.size();
    into->done = std::move(done);
    run_everywhere(core, on, std::make_shared<fetch>(of, std::move(into)));
}

void change_rooms(const broadcast_target& of, std::string_view room, bool enter) {
    if (of.space == nullptr || of.space->core->loops.empty()) return;
    run_everywhere(*of.space->core, here(of), std::make_shared<change_membership>(of, room, enter));
    tell_cluster(of, enter ? cluster_message::kind::join : cluster_message::kind::leave, {},
                 nullptr, room);
}

void disconnect_sockets(const broadcast_target& of, disconnect_scope what) {
    if (of.space == nullptr || of.space->core->loops.empty()) return;
    run_everywhere(*of.space->core, here(of), std::make_shared<disconnect_all>(of, what));
    tell_cluster(of, cluster_message::kind::disconnect, {}, nullptr, {},
                 what == disconnect_scope::connection);
}

}  // namespace weft::socketio::detail
