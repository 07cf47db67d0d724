// A socket as users see it, and its name. Every verb of the name finds the socket on its loop, now
// or in a task, and does nothing when it is gone.

#include <weft/socketio/socket_ref.hpp>

#include <algorithm>
#include <new>
#include <unordered_set>
#include <utility>

#include <weft/base/json_reader.hpp>
#include <weft/base/json_writer.hpp>

#include "base/heap_cost.hpp"
#include "socketio/client_link.hpp"
#include "socketio/loop_context.hpp"
#include "socketio/packet_writer.hpp"
#include "socketio/recovery.hpp"
#include "socketio/stored_recovery.hpp"

namespace weft::socketio {

// ---- socket_core ----

socket_core::socket_core(std::uint32_t slot, std::uint32_t generation, client_link& by,
                         std::shared_ptr<const detail::space_info> in, std::string_view sent)
    : link(by),
      session(by.session()),
      space(std::move(in)),
      key(std::uint64_t{slot} << 32U | generation),
      auth(sent),
      id{} {
    context().loop().budget().charge(cost_of(auth) + asking_cost);
}

socket_core::~socket_core() {
    (void)take_data();
    context().loop().budget().release(cost_of(auth) + (now == state::asking ? asking_cost : 0));
}

std::size_t socket_core::cost_of(std::string_view auth) noexcept {
    static const std::size_t inside = std::string().capacity();
    return net::slab<socket_core>::slot_size() +
           (auth.size() <= inside ? 0 : heap_cost(auth.size() + 1));
}

std::size_t socket_core::cost_of(const detail::data_node* first) noexcept {
    std::size_t cost = 0;
    for (const auto* node = first; node != nullptr; node = node->next.get())
        cost += heap_cost(*node->type);
    return cost;
}

void socket_core::give_data(weft::detail::owned_ptr<detail::data_node> what) noexcept {
    context().loop().budget().charge(cost_of(what.get()));
    auto* end = &what;
    while (*end != nullptr) end = &(*end)->next;
    *end = std::move(data);
    data = std::move(what);
}

weft::detail::owned_ptr<detail::data_node> socket_core::take_data() noexcept {
    context().loop().budget().release(cost_of(data.get()));
    return std::move(data);
}

const detail::stored_data* socket_core::stored_data() const noexcept {
    for (const auto* node = data.get(); node != nullptr; node = node->next.get()) {
        if (const auto* const found = dynamic_cast<const detail::stored_data*>(node)) return found;
    }
    return nullptr;
}

std::string socket_core::data_as_json() const {
    const detail::stored_data* const stored = stored_data();
    std::unordered_set<std::string> newer;  // members that `stored` has of old
    std::string all = "{";
    const auto add = [&](std::string_view members) {
        if (all.size() > 1) all += ',';
        all += members;
    };
    std::string_view name;
    std::string memory;
    for (const auto* node = data.get(); node != nullptr; node = node->next.get()) {
        if (node == stored) continue;
        const std::string one = node->json();
        if (one.size() <= 2 || one.front() != '{') continue;
        add(std::string_view(one).substr(1, one.size() - 2));
        if (stored == nullptr) continue;
        json_reader json(one);
        for (json.begin_object(); json.next_key(name, memory); json.skip()) newer.emplace(name);
    }
    if (stored != nullptr) {
        json_reader json(stored->text);
        for (json.begin_object(); json.next_key(name, memory);) {
            std::string_view value;
            if (!json.raw(value)) break;
            if (newer.contains(std::string(name))) continue;
            std::string member;
            append_json_string(member, name);
            member += ':';
            member += value;
            add(member);
        }
    }
    return all + '}';
}

socket_core::early_joins::early_joins(byte_budget& memory) noexcept
    : charge(memory, heap_cost_of<early_joins>) {}

send_status socket_core::deliver(const message& what) noexcept {
    if (now != state::connected) return send_status::closed;
    if (place != nullptr) place->sent(what);
    return session.send(what);
}

send_status socket_core::deliver_group(std::span<const message> group) noexcept {
    if (now != state::connected) return send_status::closed;
    if (place != nullptr) place->sent(group.front());
    return session.send(group);
}

detail::loop_context& socket_core::context() const noexcept {
    return link.context();
}

bool socket_core::has_room_for(std::string_view room) const {
    std::string name;
    detail::append_room_topic(name, *space, room);
    return context().hub().has_room(context().topic(name));
}

bool socket_core::enter(std::string_view room) {
    std::string name;
    detail::append_room_topic(name, *space, room);
    const bool entered = context().hub().subscribe(*this, context().topic(name));
    if (entered && place && context().stored) context().stored->note_change(*this);
    return entered;
}

// ---- socket ----

std::string_view socket::id() const noexcept {
    return socket_core::of(*this).id_text();
}
std::string_view socket::nsp() const noexcept {
    return socket_core::of(*this).space->name;
}
bool socket::connected() const noexcept {
    return socket_core::of(*this).now == socket_core::state::connected;
}
bool socket::recovered() const noexcept {
    return socket_core::of(*this).recovered;
}
const http::handshake& socket::handshake() const noexcept {
    return socket_core::of(*this).link.session().request();
}
peer& socket::peer() const noexcept {
    return socket_core::of(*this).link.session().peer();
}
engineio::transport_kind socket::transport() const noexcept {
    return socket_core::of(*this).link.session().transport();
}
std::string_view socket::auth() const noexcept {
    const std::string& sent = socket_core::of(*this).auth;
    return sent.empty() ? std::string_view("{}") : std::string_view(sent);
}
loop_ref socket::loop() const {
    return socket_core::of(*this).context().ref();
}

socket_ref socket::ref() const {
    const socket_core& self = socket_core::of(*this);
    socket_ref name;
    name.context_ = self.context().shared_from_this();
    name.space_ = self.space;
    name.key_ = self.key;
    name.id_ = self.id;
    return name;
}

std::string_view socket::data_of_other_server() const noexcept {
    const detail::stored_data* const stored = socket_core::of(*this).stored_data();
    return stored != nullptr ? std::string_view(stored->text) : std::string_view();
}

detail::data_node* socket::first_data() const noexcept {
    return socket_core::of(*this).data.get();
}
void socket::add_data(weft::detail::owned_ptr<detail::data_node> made) noexcept {
    socket_core::of(*this).give_data(std::move(made));
}

bool socket::join(std::string_view room) {
    socket_core& self = socket_core::of(*this);
    const options& chosen = self.context().core()->chosen;
    const auto refuse = [&] {
        self.context().note(errc::room_refused, &self.session.peer(), self.space->name, room);
        return false;
    };
    if (room.size() > chosen.max_room_length) return refuse();
    if (!validate_utf8(as_bytes(room))) return false;
    if (self.now == socket_core::state::asking) {
        byte_budget& memory = self.context().loop().budget();
        if (!self.early_rooms)
            self.early_rooms = std::make_unique<socket_core::early_joins>(memory);
        auto& [rooms, charge] = *self.early_rooms;
        // The list doubles when it is full.
        if (rooms.size() >= chosen.max_rooms ||
            !charge.try_add(2 * sizeof(std::string) + heap_cost(room.size() + 1))) {
            return refuse();
        }
        rooms.emplace_back(room);
        return true;
    }
    // Beside the rooms there are the namespace and the socket's own room.
    if (self.now != socket_core::state::connected) return false;
    if (self.subscriptions() >= chosen.max_rooms + 2 || !self.has_room_for(room)) return refuse();
    return self.enter(room);
}

bool socket::leave(std::string_view room) {
    socket_core& self = socket_core::of(*this);
    if (self.early_rooms) return std::erase(self.early_rooms->rooms, room) != 0;
    if (self.now != socket_core::state::connected) return false;
    std::string name;
    detail::append_room_topic(name, *self.space, room);
    const bool left = self.context().hub().unsubscribe(self, self.context().topic(name));
    if (left && self.place && self.context().stored) self.context().stored->note_change(self);
    return left;
}

bool socket::in_room(std::string_view room) const {
    const socket_core& self = socket_core::of(*this);
    std::string name;
    detail::append_room_topic(name, *self.space, room);
    return self.context().hub().is_subscribed(self, self.context().topic(name));
}

std::vector<std::string> socket::rooms() const {
    const socket_core& self = socket_core::of(*this);
    const std::size_t prefix = self.space->name.size();
    std::vector<std::string> names;
    self.context().hub().for_each_topic(self, [&](std::string_view topic) {
        if (topic.size() > prefix) names.emplace_back(topic.substr(prefix + 1));
    });
    // Its own comes first, as in Node, whatever was joined before or left since.
    const auto own = std::find(names.begin(), names.end(), self.id_text());
    if (own != names.end()) std::rotate(names.begin(), own, own + 1);
    return names;
}

send_status socket::emit_encoded(std::string_view event, const encoded_arguments& args,
                                 const detail::emit_flags& flags) const {
    const socket_core& self = socket_core::of(*this);
    if (self.now == socket_core::state::leaving || self.now == socket_core::state::gone)
        return send_status::closed;
    if (!self.space->server->may_emit(event)) return send_status::misuse;
    detail::tell_outgoing(*self.space, self.context(), event, args);
    if (self.context().recovery && !flags.droppable) return emit_recoverable(event, args, flags);
    if (self.context().stored && self.now == socket_core::state::connected) {
        detail::broadcast_target itself;
        itself.space = self.space.get();
        itself.rooms.add(self.id_text());
        itself.flags = flags;
        if (detail::append_to_log(itself, event, args)) return send_status::queued;
    }
    return self.link.send_event(self.space->name, {}, event, args, flags);
}

send_status socket::emit_recoverable(std::string_view event, const encoded_arguments& args,
                                     const detail::emit_flags& flags) const {
    const socket_core& self = socket_core::of(*this);
    detail::loop_context& context = self.context();
    const detail::packet_name name = context.recovery->name_of(context.recovery->next());
    const detail::written_packet packet =
        detail::write_event(context, *self.space, event, args, flags, &name);
    const std::span<const message> group = packet.messages();
    if (group.empty()) return send_status::dropped;
    context.metrics.events_sent.add();
    if (self.place) self.place->sent(group.front());
    const send_status status = self.link.session().send(group);
    std::string own_room;
    detail::append_room_topic(own_room, *self.space, self.id_text());
    context.recovery->record_direct(own_room, group);
    return status;
}

send_status socket::relay(std::string_view event, const raw_arguments& args) const {
    encoded_arguments copy{std::string(args.json), {}};
    for (const byte_view bytes : args.attachments)
        copy.attachments.push_back(message::binary(bytes));
    return emit_encoded(event, copy, {});
}

void socket::emit_awaiting(std::string_view event, const encoded_arguments& args,
                           const detail::emit_flags& flags, detail::ack_callback on_ack) const {
    const socket_core& self = socket_core::of(*this);
    detail::loop_context& context = self.context();
    detail::server_core& core = *context.core();
    const auto failed = [&](error why) {
        context.post([on_ack = std::move(on_ack), why = std::move(why)]() mutable { on_ack(why); });
    };
    if (self.now != socket_core::state::connected) {
        failed(error(weft::errc::closed_by_peer, "the socket is not connected"));
        return;
    }
    if (!self.space->server->may_emit(event)) {
        failed(error(refusal_of(event)));
        return;
    }
    if (self.waiting_count >= core.chosen.max_pending_acks) {
        context.note(errc::too_many_acks, &self.session.peer(), self.space->name, event);
        failed(error(weft::errc::limit_exceeded, "max_pending_acks"));
        return;
    }
    detail::tell_outgoing(*self.space, context, event, args);
    const std::uint32_t id = core.reach->next_ack_id();
    const duration limit =
        flags.timeout != duration::zero() ? flags.timeout : core.chosen.ack_timeout;
    context.wait_for_ack(*context.find(self.key), id, limit, std::move(on_ack));
    try {
        self.link.send_event(self.space->name, id, event, args, flags);
    } catch (...) {  // whoever asked sees it, and is told nothing else
        context.pending.erase(id);
        throw;
    }
}

broadcast_operator socket::others() const noexcept {
    const socket_core& self = socket_core::of(*this);
    broadcast_operator phrase(*self.space, &self.context());
    phrase.target_.except.add(self.id_text());
    return phrase;
}

void socket::disconnect(disconnect_scope what) {
    socket_core& self = socket_core::of(*this);
    self.link.disconnect(self, what);
}

// ---- socket_ref ----

std::string_view socket_ref::nsp() const noexcept {
    return space_ != nullptr ? std::string_view(space_->name) : std::string_view();
}

loop_ref socket_ref::loop() const {
    return context_ != nullptr ? context_->ref() : loop_ref();
}

socket* socket_ref::here() const noexcept {
    return context_ != nullptr && context_->on_thread() ? context_->find(key_) : nullptr;
}

void socket_ref::with(unique_function<void(socket&)> task) const {
    if (context_ == nullptr) return;
    if (context_->on_thread()) {
        if (socket* s = here()) task(*s);
        return;
    }
    context_->post([name = *this, task = std::move(task)]() mutable {
        if (socket* s = name.here()) task(*s);
    });
}

send_status socket_ref::emit_encoded(std::string_view event, const encoded_arguments& args,
                                     const detail::emit_flags& flags) const {
    if (context_ == nullptr) return send_status::closed;
    if (context_->on_thread()) {
        socket* const s = here();
        return s != nullptr ? s->emit_encoded(event, args, flags) : send_status::closed;
    }
    const bool posted = context_->post([name = *this, event = std::string(event), args, flags] {
        if (socket* s = name.here()) s->emit_encoded(event, args, flags);
    });
    return posted ? send_status::queued : send_status::closed;
}

void socket_ref::emit_awaiting(std::string_view event, const encoded_arguments& args,
                               const detail::emit_flags& flags, detail::ack_callback on_ack) const {
    const error gone(weft::errc::closed_by_peer, "the socket is not connected");
    if (context_ == nullptr) {
        on_ack(gone);
        return;
    }
    if (socket* const s = here()) {
        s->emit_awaiting(event, args, flags, std::move(on_ack));
        return;
    }
    context_->post([name = *this, event = std::string(event), args, flags, gone,
                    on_ack = std::move(on_ack)]() mutable {
        if (socket* s = name.here()) {
            s->emit_awaiting(event, args, flags, std::move(on_ack));
        } else {
            on_ack(gone);
        }
    });
}

broadcast_operator socket_ref::others() const {
    broadcast_operator phrase;
    if (context_ == nullptr) return phrase;
    phrase.target_.space = space_.get();
    if (context_->on_thread()) phrase.target_.here = context_.get();
    phrase.target_.except.add(id());
    return phrase;
}

void socket_ref::join(std::string_view room) const {
    with([room = std::string(room)](socket& s) { s.join(room); });
}
void socket_ref::leave(std::string_view room) const {
    with([room = std::string(room)](socket& s) { s.leave(room); });
}
void socket_ref::disconnect(disconnect_scope what) const {
    with([what](socket& s) { s.disconnect(what); });
}

// ---- What stands for a socket in coroutines ----

namespace detail {

raw_ack failure_report(socket& source) {
    socket_core& self = socket_core::of(source);
    return {self.context().shared_from_this(), self.key, {}};
}

void gate::settle(admission<> decided) noexcept {
    const auto context = std::exchange(context_, nullptr);
    if (!context) return;
    const auto judge = [](loop_context& home, socket_key key, std::uint32_t step,
                          const admission<>& said) {
        socket_core* s = home.find(key);
        if (s == nullptr || s->now != socket_core::state::asking || s->step != step) return;
        engineio::session& session = s->link.session();  // which is gone later than this returns
        if (!home.within_memory([&] { s->link.judge(*s, said); }))
            session.fail(engineio::errc::out_of_memory);
    };
    if (context->on_thread()) {
        judge(*context, key_, step_, decided);
        return;
    }
    try {
        context->post(
            [context, judge, key = key_, step = step_, decided = std::move(decided)]() mutable {
                judge(*context, key, step, decided);
            });
    } catch (const std::bad_alloc&) {
        return;  // the connect timeout ends it
    }
}

namespace {

task<void> settle_later(task<admission<>> deciding, std::shared_ptr<gate> entry) {
    entry->settle(co_await std::move(deciding));
}

}  // namespace

void spawn_decision(task<admission<>> deciding, gate entry) {
    auto shared = std::make_shared<gate>(std::move(entry));
    weft::detail::spawn(settle_later(std::move(deciding), shared),
                        [shared](const std::exception_ptr& thrown) { shared->failed(thrown); });
}

void gate::failed(const std::exception_ptr& thrown) noexcept {
    if (!context_) return;
    try {
        context_->post([context = context_, key = key_, thrown] {
            context->users.report(
                thrown, [&] { return loop_context::place_of("a middleware", context->find(key)); });
        });
    } catch (const std::bad_alloc&) {
        context_->metrics.handler_exceptions.add();
    }
    settle(refusal("internal error"));
}

}  // namespace detail
}  // namespace weft::socketio
