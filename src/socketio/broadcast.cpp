// What is said to, or done with, several sockets. Everything is an `operation`: run on this loop at
// once, and on the others through `loop_context::forward`; from a thread that runs no loop it goes
// to the first loop, which passes it context. The usual case, one loop and no adapter, makes no
// operation: the packet is written once and given to the hub.

#include <weft/socketio/broadcast.hpp>

#include <algorithm>
#include <atomic>
#include <iterator>
#include <type_traits>
#include <utility>

#include "socketio/broadcast_wait.hpp"
#include "socketio/client_link.hpp"
#include "socketio/loop_context.hpp"
#include "socketio/packet_writer.hpp"
#include "socketio/recovery.hpp"
#include "socketio/stored_recovery.hpp"

namespace weft::socketio::detail {

void room_list::add_further(std::string_view room) {
    if (many_.empty()) many_.assign(few_.begin(), few_.end());
    many_.push_back(room);
}

owned_target::owned_target(const broadcast_target& borrowed)
    : space(borrowed.space != nullptr ? borrowed.space->shared_from_this() : nullptr),
      rooms(borrowed.rooms.begin(), borrowed.rooms.end()),
      except(borrowed.except.begin(), borrowed.except.end()),
      flags(borrowed.flags) {}

broadcast_target owned_target::borrow() const {
    broadcast_target target;
    target.space = space.get();
    for (const std::string& room : rooms) target.rooms.add(room);
    for (const std::string& room : except) target.except.add(room);
    target.flags = flags;
    return target;
}

namespace {

/// Rooms as an audience of the hub. **Lifetime**: within one call, on the loop's pools.
class room_audience {
public:
    template <class Rooms>
    room_audience(loop_context& context, const space_info& space, const Rooms& rooms,
                  const Rooms& except)
        : text_(context.texts.borrow()), names_(context.name_lists.borrow()) {
        std::size_t size = 0;
        for (const auto* list : {&rooms, &except}) {
            for (const auto& room : *list) size += space.name.size() + 1 + room.size();
        }
        text_->reserve(size);  // so that the views into it stay
        for (const auto& room : rooms) add(space, room);
        if (names_->empty()) names_->push_back(space.name);
        const std::size_t count = names_->size();
        for (const auto& room : except) add(space, room);
        const std::span<const std::string_view> all(*names_);
        whom_ = {context.topic({}).owner, all.first(count), all.subspan(count)};
    }
    [[nodiscard]] const pubsub::audience& get() const noexcept { return whom_; }

private:
    void add(const space_info& space, std::string_view room) {
        const std::size_t begin = text_->size();
        append_room_topic(*text_, space, room);
        names_->push_back(std::string_view(*text_).substr(begin));
    }

    scratch_pool<std::string>::loan text_;
    scratch_pool<std::vector<std::string_view>>::loan names_;
    pubsub::audience whom_{};
};

/// Calls `use(space)` for the namespace meant: itself, or all that the pattern has made here.
template <class F>
void each_space(loop_context& context, const space_info& meant, F use) {
    if (!meant.pattern) {
        use(meant);
    } else {
        context.each_child([&](const space_info& child) {
            if (child.handlers == meant.handlers) use(child);
        });
    }
}

/// Calls `use(socket_core&)` for everyone who is connected and meant. It may do anything.
template <class F>
void each_socket(loop_context& context, const owned_target& target, F use) {
    std::vector<socket_key> found;
    each_space(context, *target.space, [&](const space_info& space) {
        const room_audience meant(context, space, target.rooms, target.except);
        context.hub().for_each(meant.get(), [&](pubsub::subscriber& member) {
            const auto& s = static_cast<socket_core&>(member);  // nobody else is in our topics
            if (s.now == socket_core::state::connected) found.push_back(s.key);
        });
    });
    for (const socket_key key : found) {
        if (socket_core* s = context.find(key)) use(*s);
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
void publish_group(loop_context& context, const space_info& space, const Rooms& rooms,
                   const Rooms& except, std::span<const message> group) {
    if (group.empty()) return;
    const room_audience meant(context, space, rooms, except);
    context.hub().publish_local(meant.get(), group);
    if (context.recovery) context.recovery->record(meant.get(), group);
}

/// A broadcast that each loop writes for itself, to what a pattern has made there.
class publish final : public operation {
public:
    publish(const broadcast_target& target, std::string_view event, const encoded_arguments& args,
            std::optional<packet_name> name)
        : target_(target), event_(event, args), name_(std::move(name)) {}
    void run(loop_context& context) const override {
        context.metrics.events_sent.add();
        each_space(context, *target_.space, [&](const space_info& space) {
            const written_packet packet = write_event(context, space, event_.name, event_.args,
                                                      target_.flags, name_ ? &*name_ : nullptr);
            publish_group(context, space, target_.rooms, target_.except, packet.messages());
        });
    }

private:
    owned_target target_;
    event_copy event_;
    std::optional<packet_name> name_;
};

/// A packet that was written once, for the other loops.
class publish_written final : public operation {
public:
    publish_written(const broadcast_target& target, std::span<const message> group,
                    const log_position& at)
        : target_(target), group_(group.begin(), group.end()), at_(at) {}
    void run(loop_context& context) const override {
        publish_group(context, *target_.space, target_.rooms, target_.except, group_);
        if (context.stored) context.stored->passed(at_);
    }

private:
    owned_target target_;
    std::vector<message> group_;
    log_position at_;
};

class pass final : public operation {
public:
    explicit pass(const log_position& at) : at_(at) {}
    void run(loop_context& context) const override {
        if (context.stored) context.stored->passed(at_);
    }

private:
    log_position at_;
};

class ask final : public operation {
public:
    ask(const broadcast_target& target, std::string_view event, const encoded_arguments& args,
        std::uint32_t id, duration limit, std::shared_ptr<reply_collector> collector)
        : target_(target),
          event_(event, args),
          id_(id),
          limit_(limit),
          collector_(std::move(collector)) {}
    void run(loop_context& context) const override {
        auto wait = std::make_unique<broadcast_wait>(context, id_, collector_);
        each_socket(context, target_, [&](socket_core& s) {
            wait->due.insert(s.key);
            s.link.send_event(s.space->name, id_, event_.name, event_.args, target_.flags);
        });
        const std::size_t asked = wait->due.size();
        if (asked != 0) {
            context.loop().arm(*wait, later(context.loop().now(), limit_));
            context.asked.insert_or_assign(id_, std::move(wait));
        }
        collector_->asked(context, asked);
    }

private:
    owned_target target_;
    event_copy event_;
    std::uint32_t id_;
    duration limit_;
    std::shared_ptr<reply_collector> collector_;
};

class change_membership final : public operation {
public:
    change_membership(const broadcast_target& target, std::string_view room, bool enter)
        : target_(target), room_(room), enter_(enter) {}
    void run(loop_context& context) const override {
        each_socket(context, target_,
                    [&](socket_core& s) { enter_ ? s.join(room_) : s.leave(room_); });
    }

private:
    owned_target target_;
    std::string room_;
    bool enter_;
};

class disconnect_all final : public operation {
public:
    disconnect_all(const broadcast_target& target, disconnect_scope scope)
        : target_(target), scope_(scope) {}
    void run(loop_context& context) const override {
        each_socket(context, target_, [&](socket_core& s) { s.link.disconnect(s, scope_); });
    }

private:
    owned_target target_;
    disconnect_scope scope_;
};

class supersede final : public operation {
public:
    supersede(const space_info& space, std::string_view id, std::uint64_t returns)
        : space_(space.shared_from_this()), id_(id), returns_(returns) {}
    void run(loop_context& context) const override {
        broadcast_target whom;
        whom.space = space_.get();
        whom.rooms.add(id_);
        each_socket(context, owned_target(whom), [&](socket_core& s) {
            if (s.id_text() != id_) return;  // a room may have the name of a socket
            if (s.place && s.place->returns >= returns_) return;
            s.place.reset();
            s.link.session().fail(engineio::close_reason::transport_close);
        });
    }

private:
    std::shared_ptr<const space_info> space_;
    std::string id_;
    std::uint64_t returns_;
};

void note(std::size_t& count, const socket_core&) {
    ++count;
}

void note(fetched_sockets& all, const socket_core& s) {
    all.sockets.push_back({std::string(s.id_text()), s.rooms(), std::string(s.socket::auth()),
                           s.link.session().request(), s.data_as_json()});
}

/// Brings together what the loops, and the other servers, found.
template <class Found>
struct fetched {
    std::shared_ptr<loop_context> home;
    std::size_t parts_left;
    unique_function<void(Found)> done;
    Found all{};

    static void add(std::size_t some, std::size_t& sum) { sum += some; }
    static void add(fetched_sockets some, fetched_sockets& sum) {
        std::move(some.sockets.begin(), some.sockets.end(), std::back_inserter(sum.sockets));
        if (some.silent.count != 0) sum.silent = std::move(some.silent);
    }
    void add(Found some) {
        add(std::move(some), all);
        if (--parts_left == 0) {
            home->guarded("the callback of fetch_sockets", nullptr,
                          [this] { done(std::move(all)); });
        }
    }
};

/// What the other servers found.
class others_sockets final : public cluster_answers {
public:
    explicit others_sockets(std::shared_ptr<fetched<fetched_sockets>> into)
        : into_(std::move(into)) {}
    void expect(std::size_t) override {}
    void reply(const raw_arguments&) override {}
    void found(std::vector<remote_socket> sockets) override {
        std::move(sockets.begin(), sockets.end(), std::back_inserter(all_.sockets));
    }
    void end(const silent_servers& silent) override {
        all_.silent = silent;
        into_->home->post(
            [into = into_, all = std::move(all_)]() mutable { into->add(std::move(all)); });
    }

private:
    std::shared_ptr<fetched<fetched_sockets>> into_;
    fetched_sockets all_;
};

template <class Found>
class fetch final : public operation {
public:
    fetch(const broadcast_target& target, std::shared_ptr<fetched<Found>> into)
        : target_(target), into_(std::move(into)) {}
    void run(loop_context& context) const override {
        Found found{};
        each_socket(context, target_, [&](socket_core& s) {
            context.guarded("a codec, for fetch_sockets,", &s, [&] { note(found, s); });
        });
        if (&context == into_->home.get()) {
            into_->add(std::move(found));
        } else {
            into_->home->post([into = into_, found = std::move(found)]() mutable {
                into->add(std::move(found));
            });
        }
    }

private:
    owned_target target_;
    std::shared_ptr<fetched<Found>> into_;
};

class visit_all final : public operation {
public:
    visit_all(const broadcast_target& target, shared_function<void(socket&)> visit)
        : target_(target), visit_(std::move(visit)) {}
    void run(loop_context& context) const override {
        each_socket(context, target_, [&](socket_core& s) {
            context.guarded("the function of visit_sockets", &s, [&] { visit_(s); });
        });
    }

private:
    owned_target target_;
    shared_function<void(socket&)> visit_;
};

/// The loop that this runs on, or null.
loop_context* here(const broadcast_target& target) noexcept {
    return target.here != nullptr ? target.here : target.space->server->here();
}

/// `at`: where the cluster's log has it.
void write_and_publish(loop_context& context, const broadcast_target& target,
                       std::string_view event, const encoded_arguments& args,
                       const packet_name* name, const log_position& at) {
    context.metrics.events_sent.add();
    const written_packet packet =
        write_event(context, *target.space, event, args, target.flags, name);
    publish_group(context, *target.space, target.rooms, target.except, packet.messages());
    if (context.stored) context.stored->passed(at);
    if (target.space->server->loops().size() > 1)
        context.forward(std::make_shared<publish_written>(target, packet.messages(), at));
}

void broadcast_from(loop_context& context, const broadcast_target& target, std::string_view event,
                    const encoded_arguments& args) {
    const bool alone = target.space->server->loops().size() == 1;
    std::optional<packet_name> name;
    if (context.recovery && !target.flags.droppable)
        name = context.recovery->name_of(context.recovery->next());
    if (target.space->pattern) {
        const auto what = std::make_shared<publish>(target, event, args, name);
        what->run(context);
        if (!alone) context.forward(what);
        return;
    }
    write_and_publish(context, target, event, args, name ? &*name : nullptr, {});
}

void run_everywhere(const server_reach& server, loop_context* context,
                    std::shared_ptr<const operation> what) {
    if (context != nullptr) {
        what->run(*context);
        if (server.loops().size() > 1) context->forward(std::move(what));
        return;
    }
    const auto& first = server.loops().front();
    first->post([first, what = std::move(what)] {
        if (first->core() == nullptr) return;
        what->run(*first);
        if (first->core()->reach->loops().size() > 1) first->forward(what);
    });
}

/// What the other servers are told or asked; null if they are not.
std::shared_ptr<cluster_message> for_cluster(const broadcast_target& target,
                                             cluster_message::kind kind) {
    if (!target.space->server->adapter || target.flags.local) return nullptr;
    auto told = std::make_shared<cluster_message>();
    told->what = kind;
    told->to = {target.space->name,
                {target.rooms.begin(), target.rooms.end()},
                {target.except.begin(), target.except.end()}};
    told->droppable = target.flags.droppable;
    told->uncompressed = target.flags.uncompressed;
    told->latest = target.flags.latest;
    return told;
}

std::shared_ptr<cluster_message> event_for_cluster(const broadcast_target& target,
                                                   std::string_view event,
                                                   const encoded_arguments& args) {
    auto told = for_cluster(target, cluster_message::kind::broadcast);
    if (told == nullptr) return told;
    told->event = event;
    told->arguments = args.json;
    told->attachments = args.attachments;
    return told;
}

/// What the sockets of other servers answer.
class others_replies final : public cluster_answers {
public:
    others_replies(std::shared_ptr<loop_context> home, std::shared_ptr<reply_collector> collector)
        : home_(std::move(home)), collector_(std::move(collector)) {}
    void expect(std::size_t sockets) override { collector_->expect_of_others(*home_, sockets); }
    void reply(const raw_arguments& what) override { collector_->answer(*home_, what); }
    void found(std::vector<remote_socket>) override {}
    void end(const silent_servers& silent) override { collector_->others_end(*home_, silent); }

private:
    std::shared_ptr<loop_context> home_;  // the adapter's
    std::shared_ptr<reply_collector> collector_;
};

}  // namespace

namespace {

bool is_for_log(const broadcast_target& target) noexcept {
    return !target.flags.local && !target.flags.droppable && !target.space->pattern;
}

}  // namespace

bool append_to_log(const broadcast_target& target, std::string_view event,
                   const encoded_arguments& args, recovery_store::stored_handler stored) {
    recovery_store* const store = target.space->server->store();
    if (store == nullptr || !is_for_log(target)) return false;
    target.space->server->append(*store, event_for_cluster(target, event, args), std::move(stored));
    return true;
}

namespace {

/// To all loops, and to the other servers.
void broadcast_unlogged(const broadcast_target& target, loop_context* context,
                        std::string_view event, const encoded_arguments& args) {
    if (context != nullptr) {
        tell_outgoing(*target.space, *context, event, args);
        broadcast_from(*context, target, event, args);
    } else {
        // The first loop passes it on, so that what a thread says keeps its order everywhere.
        const auto& first = target.space->server->loops().front();
        first->post([first, owned = owned_target(target), copy = event_copy(event, args)] {
            if (first->core() == nullptr) return;
            tell_outgoing(*owned.space, *first, copy.name, copy.args);
            broadcast_from(*first, owned.borrow(), copy.name, copy.args);
        });
    }
    if (auto told = event_for_cluster(target, event, args))
        target.space->server->publish(std::move(told));
}

/// What the log brings is told to those who listen when it is said.
void tell_outgoing_of_logged(const broadcast_target& target, loop_context* context,
                             std::string_view event, const encoded_arguments& args) {
    if (target.space->handlers->any_outgoing.empty()) return;
    if (context != nullptr) return tell_outgoing(*target.space, *context, event, args);
    const auto& first = target.space->server->loops().front();
    first->post([first, space = target.space->shared_from_this(), copy = event_copy(event, args)] {
        if (first->core() != nullptr) tell_outgoing(*space, *first, copy.name, copy.args);
    });
}

}  // namespace

void broadcast_encoded(const broadcast_target& target, std::string_view event,
                       const encoded_arguments& args) {
    if (target.space == nullptr || target.space->server->loops().empty()) return;
    if (!target.space->server->may_emit(event)) return;
    loop_context* const context = here(target);
    if (append_to_log(target, event, args)) {
        tell_outgoing_of_logged(target, context, event, args);
    } else {
        broadcast_unlogged(target, context, event, args);
    }
}

void broadcast_stored(const broadcast_target& target, std::string_view event,
                      const encoded_arguments& args, unique_function<void(result<void>)> done) {
    if (target.space == nullptr || target.space->server->loops().empty()) return;
    server_reach& server = *target.space->server;
    loop_context* const context = here(target);
    auto home = context != nullptr ? context->shared_from_this() : server.loops().front();
    auto told = [home, done = std::move(done)](result<void> how) mutable {
        home->post([home, done = std::move(done), how = std::move(how)]() mutable {
            home->guarded("the callback of emit_stored", nullptr, [&] { done(std::move(how)); });
        });
    };
    if (!server.may_emit(event)) return told(error(refusal_of(event)));
    if (server.store() != nullptr && is_for_log(target)) {
        (void)append_to_log(target, event, args, std::move(told));
        tell_outgoing_of_logged(target, context, event, args);
    } else {
        broadcast_unlogged(target, context, event, args);
        told({});
    }
}

void broadcast_logged(loop_context& context, const broadcast_target& target, std::string_view event,
                      const encoded_arguments& args, const log_position& at) {
    const packet_name name = name_of(at);
    write_and_publish(context, target, event, args, target.flags.droppable ? nullptr : &name, at);
}

void supersede_sockets(const space_info& space, std::string_view id, std::uint64_t returns) {
    if (space.server->loops().empty()) return;
    run_everywhere(*space.server, space.server->here(),
                   std::make_shared<supersede>(space, id, returns));
}

void pass_log(loop_context& context, const log_position& at) {
    const auto what = std::make_shared<pass>(at);
    what->run(context);
    if (context.core()->reach->loops().size() > 1) context.forward(what);
}

void broadcast_awaiting(const broadcast_target& target, std::string_view event,
                        const encoded_arguments& args, replies_callback on_reply,
                        asked_callback on_asked) {
    if (target.space == nullptr || target.space->server->loops().empty()) return;
    server_reach& server = *target.space->server;
    loop_context* const context = here(target);
    const auto home = context != nullptr ? context->shared_from_this() : server.loops().front();
    const duration limit =
        target.flags.timeout != duration::zero() ? target.flags.timeout : server.ack_timeout;
    if (!server.may_emit(event)) {
        home->post([on_reply = std::move(on_reply)]() mutable { on_reply(nullptr, {}); });
        return;
    }
    auto collector = std::make_shared<reply_collector>(home, server.loops().size(),
                                                       std::move(on_reply), std::move(on_asked));
    // The others' answers may come on another thread, at once: the collector knows of them before
    // they are asked, and has begun.
    const auto question = event_for_cluster(target, event, args);
    collector->ask_others(question != nullptr);
    auto what = std::make_shared<ask>(target, event, args, server.next_ack_id(), limit, collector);
    if (context != nullptr) {
        tell_outgoing(*target.space, *context, event, args);
        collector->start(limit);
    } else {
        home->post([home, collector, limit, space = target.space->shared_from_this(),
                    copy = event_copy(event, args)] {
            tell_outgoing(*space, *home, copy.name, copy.args);
            collector->start(limit);
        });
    }
    if (question != nullptr) {
        const auto to = std::make_shared<others_replies>(server.loops().front(), collector);
        if (!server.ask(question, limit, to)) collector->ask_others(false);
    }
    run_everywhere(server, context, std::move(what));
}

namespace {

template <class Found>
void fetch_everywhere(const broadcast_target& target, unique_function<void(Found)> done) {
    if (target.space == nullptr || target.space->server->loops().empty()) return;
    server_reach& server = *target.space->server;
    loop_context* const context = here(target);
    auto home = context != nullptr ? context->shared_from_this() : server.loops().front();
    auto into = std::make_shared<fetched<Found>>(
        fetched<Found>{std::move(home), server.loops().size(), std::move(done)});
    if constexpr (std::is_same_v<Found, fetched_sockets>) {
        if (const auto question = for_cluster(target, cluster_message::kind::fetch_sockets)) {
            ++into->parts_left;  // first: the answer may come on another thread, at once
            const auto to = std::make_shared<others_sockets>(into);
            if (!server.ask(question, server.ack_timeout, to)) --into->parts_left;
        }
    }
    run_everywhere(server, context, std::make_shared<fetch<Found>>(target, std::move(into)));
}

}  // namespace

void fetch_sockets(const broadcast_target& target, unique_function<void(fetched_sockets)> done) {
    fetch_everywhere(target, std::move(done));
}

void fetch_sockets(const broadcast_target& target, unique_function<void(std::size_t)> done) {
    fetch_everywhere(target, std::move(done));
}

void visit_sockets(const broadcast_target& target, shared_function<void(socket&)> visit) {
    if (target.space == nullptr || target.space->server->loops().empty()) return;
    run_everywhere(*target.space->server, here(target),
                   std::make_shared<visit_all>(target, std::move(visit)));
}

void change_rooms(const broadcast_target& target, std::string_view room, bool enter) {
    if (target.space == nullptr || target.space->server->loops().empty()) return;
    run_everywhere(*target.space->server, here(target),
                   std::make_shared<change_membership>(target, room, enter));
    if (auto told = for_cluster(
            target, enter ? cluster_message::kind::join : cluster_message::kind::leave)) {
        told->names.emplace_back(room);
        target.space->server->publish(std::move(told));
    }
}

void disconnect_sockets(const broadcast_target& target, disconnect_scope what) {
    if (target.space == nullptr || target.space->server->loops().empty()) return;
    run_everywhere(*target.space->server, here(target),
                   std::make_shared<disconnect_all>(target, what));
    if (auto told = for_cluster(target, cluster_message::kind::disconnect)) {
        told->close = what == disconnect_scope::connection;
        target.space->server->publish(std::move(told));
    }
}

}  // namespace weft::socketio::detail
