// One client: packets in, sockets by namespace, packets out.
//
// Invariants: a packet reaches a socket only while it is connected, so never before the last
// middleware agreed and never after it left; and a packet that is wrong ends this connection only.

#include "socketio/client_link.hpp"

#include <algorithm>
#include <utility>

#include <weft/base/json_reader.hpp>
#include <weft/base/json_writer.hpp>
#include <weft/base/utf8.hpp>

#include "auth/message.hpp"
#include "base/heap_cost.hpp"
#include "http/proto/target.hpp"
#include "net/pace.hpp"
#include "net/traffic_meter.hpp"
#include "socketio/error_answer.hpp"
#include "socketio/loop_context.hpp"
#include "socketio/packet_writer.hpp"
#include "socketio/proto/msgpack_packet.hpp"
#include "socketio/stored_recovery.hpp"

namespace weft::socketio {
namespace {

// With its list of sockets.
constexpr std::size_t link_cost = heap_cost_of<client_link> + heap_cost(sizeof(socket_core*));

disconnect_reason to_reason(engineio::close_reason why) noexcept {
    switch (why) {
        case engineio::close_reason::transport_error: return disconnect_reason::transport_error;
        case engineio::close_reason::transport_close: return disconnect_reason::transport_close;
        case engineio::close_reason::forced_close: return disconnect_reason::forced_close;
        case engineio::close_reason::ping_timeout: return disconnect_reason::ping_timeout;
        case engineio::close_reason::parse_error: return disconnect_reason::parse_error;
        case engineio::close_reason::server_shutting_down: break;
    }
    return disconnect_reason::server_shutting_down;
}

/// The event's name as plain text; `memory` holds it when it had escapes.
std::string_view event_name(std::string_view json, std::string& memory) {
    if (json.empty() || json.front() != '"') return json;  // a number is its own name
    const std::string_view content = between_quotes(json);
    if (content.find('\\') == std::string_view::npos) return content;
    json_reader reader(json);
    reader.read(memory);
    return memory;
}

const std::string& words_of(const refusal& why) {
    static const std::string usual = "not allowed";
    return why.message.empty() ? usual : why.message;
}

/// What clients of version 2 get: the data, unless JavaScript takes it for nothing; else the words.
std::string version_2_refusal(const refusal& why) {
    for (const std::string_view nothing : {"", "null", "false", "0", "\"\""}) {
        if (why.data != nothing) continue;
        std::string words;
        append_json_string(words, words_of(why));
        return words;
    }
    return why.data;
}

/// What clients of version 2 send in place of an `auth`: a query string, as a JSON object.
std::string auth_of_query(std::string_view query) {
    const auto decode = [](std::string_view part) {
        std::string text(part.size(), '\0');
        return std::string(http::decode_query(part, text).value_or(part));
    };
    std::string auth;
    if (query.empty()) return auth;
    json_writer json(auth);
    json.begin_object();
    while (!query.empty()) {
        const std::string_view pair = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(pair.size() + 1, query.size()));
        const std::size_t equals = pair.find('=');
        const std::string name = decode(pair.substr(0, equals));
        const std::string value =
            equals == std::string_view::npos ? std::string() : decode(pair.substr(equals + 1));
        if (!name.empty() && validate_utf8(as_bytes(name)) && validate_utf8(as_bytes(value)))
            json.member(name, value);
    }
    json.end_object();
    return auth;
}

}  // namespace

client_link::client_link(engineio::session& below, detail::loop_context& context)
    : timer_node(&fire), session_(below), context_(context) {
    context_.metrics.clients.add();
    context_.loop().budget().charge(link_cost);
}

client_link::~client_link() {
    for (socket_core* s : std::exchange(sockets_, {})) forget(*s);
    context_.metrics.clients.sub();
    context_.loop().budget().release(link_cost);
}

void client_link::on_open() {
    context_.loop().arm(*this,
                        later(context_.loop().now(), context_.core()->chosen.connect_timeout));
    if (!legacy()) return;
    packet_view main;  // a client of version 2 is connected without asking
    main.type = packet_type::connect;
    on_connect(main);
}

void client_link::fire(net::timer_node& node) {
    static_cast<client_link&>(node).on_deadline();
}

void client_link::on_deadline() {
    if (assembler_) {
        fail(errc::packet_too_slow);
    } else if (!joined_once_) {
        fail(errc::connect_too_slow);
    }
}

socket_core* client_link::find(std::string_view nsp) const noexcept {
    for (socket_core* s : sockets_) {
        if (s->space->name == nsp) return s;
    }
    return nullptr;
}

// ---- Packets in ----

void client_link::on_message(const message_view& data) {
    if (ended_) return;
    if (assembler_) {
        assembled(data.is_text() ? assembler_->text(data.text())
                                 : assembler_->binary(data.bytes()));
        return;
    }
    if (context_.core()->chosen.parser == packet_parser::msgpack) {
        on_msgpack(data);
        return;
    }
    if (!data.is_text()) {
        fail(errc::unexpected_binary);
        return;
    }
    const auto version = legacy() ? protocol_version::v3 : protocol_version::v4;
    const packet_limits& limits = context_.core()->limits;
    if (packet_assembler::has_attachments(data.text())) {
        assembler_ = std::make_unique<packet_assembler>(limits, version, context_.loop().budget());
        assembled(assembler_->text(data.text()));
        return;
    }
    const packet_result parsed = parse_packet(data.text(), limits, version);
    if (!parsed) {
        fail(parsed.error);
        return;
    }
    dispatch(parsed.packet, {});
}

void client_link::on_msgpack(const message_view& data) {
    if (data.is_text()) {
        fail(errc::unexpected_text);
        return;
    }
    const packet_limits& limits = context_.core()->limits;
    std::string text;
    std::vector<byte_view> attachments;
    if (const errc wrong = msgpack_to_text(data.bytes(), limits, text, attachments);
        wrong != errc{}) {
        fail(wrong);
        return;
    }
    const packet_result parsed = parse_packet(text, limits, protocol_version::v4);
    if (!parsed) {
        fail(parsed.error);
        return;
    }
    dispatch(parsed.packet, attachments);
}

void client_link::assembled(packet_event got) {
    switch (got) {
        case packet_event::need_more:
            if (!armed()) {
                const auto& chosen = context_.core()->chosen;
                context_.loop().arm(*this,
                                    later(context_.loop().now(), chosen.attachments_timeout));
            }
            return;
        case packet_event::failed: fail(assembler_->error()); return;
        case packet_event::packet: break;
    }
    const auto keep = std::exchange(assembler_, nullptr);
    if (joined_once_) cancel();
    dispatch(keep->packet(), keep->attachments());
}

void client_link::dispatch(const packet_view& packet, std::span<const byte_view> attachments) {
    if (packet.type == packet_type::connect) {
        on_connect(packet);
        return;
    }
    socket_core* const s = find(packet.nsp);
    if (s == nullptr || s->now != socket_core::state::connected) {
        // What was under way when we left a namespace is late, not wrong.
        if (s != nullptr ? s->now == socket_core::state::asking : !left_some_)
            fail(errc::unexpected_packet);
        return;
    }
    switch (packet.type) {
        case packet_type::event:
        case packet_type::binary_event: on_event(*s, packet, attachments); return;
        case packet_type::ack:
        case packet_type::binary_ack: on_ack(*s, packet, attachments); return;
        case packet_type::disconnect:
            leave(*s, disconnect_reason::client_namespace_disconnect);
            finish(*s);
            return;
        case packet_type::connect:
        case packet_type::connect_error: fail(errc::unexpected_packet); return;
    }
}

void client_link::fail(errc why) {
    if (ended_) return;
    ended_ = true;
    cancel();
    const bool broke_rules = describe(why).kind == condition::protocol_violation;
    if (broke_rules) session_.note_violation();
    context_.note(why, &session_.peer(), context_.core()->chosen.engine.path);
    for (socket_core* s : std::vector(sockets_)) {
        if (s->now != socket_core::state::connected) continue;
        for (auto& told : s->space->handlers->error)
            context_.guarded("on_error", s, [&] { told(*s, error(why)); });
    }
    if (why == errc::out_of_memory) return session_.fail(engineio::errc::out_of_memory);
    constexpr auto reason = engineio::close_reason::forced_close;
    if (broke_rules) return session_.expel(reason, describe(why).text);
    session_.fail(reason, describe(why).text);
}

// ---- The way in ----

void client_link::on_connect(const packet_view& packet) {
    detail::server_core& core = *context_.core();
    if (find(packet.nsp) != nullptr) {
        fail(errc::unexpected_packet);
        return;
    }
    if (sockets_.size() >= core.chosen.max_namespaces) {
        fail(errc::too_many_namespaces);
        return;
    }
    auto space = core.find(packet.nsp);
    if (!space) space = context_.find_child(packet.nsp);
    const bool known = space != nullptr;
    if (!known) {  // a name for those whom the patterns ask
        auto wanted = std::make_shared<detail::space_info>();
        wanted->name = packet.nsp;
        wanted->server = core.reach;
        wanted->handlers = core.no_handlers;
        space = std::move(wanted);
    }
    std::string_view auth = packet.data == "{}" ? std::string_view() : packet.data;
    std::string of_query;
    if (legacy()) auth = of_query = auth_of_query(packet.query);
    if (!context_.loop().budget().has_room(socket_core::cost_of(auth))) {
        context_.note(errc::out_of_memory, &session_.peer(), packet.nsp);
        send_refusal(packet.nsp, refusal(std::string(describe(errc::out_of_memory).text)));
        return;
    }
    sockets_.reserve(sockets_.size() + 1);  // nothing below may fail between made and known
    socket_core* const s = context_.sockets.make(*this, std::move(space), auth);
    if (s == nullptr || !context_.draw_id(s->id)) {
        if (s != nullptr) context_.sockets.free(static_cast<std::uint32_t>(s->key >> 32U));
        session_.fail(engineio::close_reason::forced_close);
        return;
    }
    if (legacy() && packet.nsp == "/" && session_.id().size() == s->id.size())
        std::copy_n(session_.id().data(), s->id.size(), s->id.begin());
    if (known) s->step = static_cast<std::uint32_t>(core.patterns.size());
    context_.use_child(*s->space);
    sockets_.push_back(s);
    if ((context_.recovery || context_.stored) && !legacy()) {
        if (const auto request = detail::find_recovery_request(s->auth)) {
            recover(*s, *request);
            return;
        }
    }
    if (session_.peer().only_resumes()) return session_.fail(engineio::errc::too_many_connects);
    ask(*s);
}

void client_link::recover(socket_core& s, const detail::recovery_request& request) {
    if (context_.stored) return context_.stored->take(s, request);
    const auto& loops = context_.core()->reach->loops();
    const auto keeper = detail::loop_of_recovery_id(request.id);
    if (!keeper || *keeper >= loops.size()) {
        recovered(s, nullptr);
        return;
    }
    // From the loop that the id names on to the one where the session is now, and back.
    struct errand {
        std::shared_ptr<detail::loop_context> home;
        socket_key key;
        std::string nsp;
        detail::recovery_request request;

        static void go(const std::shared_ptr<const errand>& self, detail::loop_context& here,
                       bool first) {
            if (const auto there = here.recovery->moved_to(self->request.id);
                first && there && *there < here.core()->reach->loops().size()) {
                const auto next = here.core()->reach->loops()[*there];
                next->post([self, next] {
                    if (next->core() != nullptr) go(self, *next, false);
                });
                return;
            }
            auto back = here.recovery->take(self->request.id, self->nsp, self->request.offset);
            // Behind what this loop was about to tell the others, so that order is kept.
            here.post([self, back = std::move(back)]() mutable {
                self->home->post([self, back = std::move(back)]() mutable {
                    socket_core* s = self->home->find(self->key);
                    if (s != nullptr && s->now == socket_core::state::asking)
                        s->link.recovered(*s, std::move(back));
                });
            });
        }
    };
    auto asked = std::make_shared<const errand>(
        errand{context_.shared_from_this(), s.key, s.space->name, request});
    loops[*keeper]->post([asked, first = loops[*keeper]] {
        if (first->core() != nullptr) errand::go(asked, *first, true);
    });
}

void client_link::recovered(socket_core& s, std::unique_ptr<detail::restored_session> back) {
    if (!back) {
        context_.metrics.recoveries_failed.add();
        if (session_.peer().only_resumes()) return session_.fail(engineio::errc::too_many_connects);
    }
    session_.peer().set_only_resumes(false);
    if (back) back->charge.emplace(context_.loop().budget(), back->cost());
    s.restored = std::move(back);
    ask(s);
}

void client_link::caught_up(socket_core& s, std::unique_ptr<recovery_store::missed_list> missed) {
    if (missed) {
        s.restored->stored_missed = std::move(missed);
        s.restored->charge.reset();
        s.restored->charge.emplace(context_.loop().budget(), s.restored->cost());
        connected(s);
        return;
    }
    s.restored.reset();
    context_.metrics.recoveries_failed.add();
    ask(s);  // the middlewares that it was spared
}

/// Gives a socket back what it had, and the client what it missed.
void client_link::restore(socket_core& s) {
    const auto back = std::exchange(s.restored, nullptr);
    context_.metrics.recovered.add();
    s.recovered = true;
    if (back->stored) return restore_stored(s, *back->stored);
    s.id = back->session.id;
    s.give_data(std::move(back->session.data));
    for (const std::string& name : back->session.topics)
        context_.hub().subscribe(s, context_.topic(name));
    s.place = context_.recovery->resume(*back);
    s.place->charge.emplace(context_.loop().budget(), s.place->cost());
    for (const detail::logged_packet& packet : back->missed) session_.send(packet.group);

    const auto& loops = context_.core()->reach->loops();
    const auto keeper = detail::loop_of_recovery_id(s.place->id);
    if (!keeper || loops[*keeper].get() == &context_) return;
    loops[*keeper]->post(
        [home = loops[*keeper], id = s.place->id, here = std::size_t{context_.loop().index()}] {
            if (home->core() != nullptr) home->recovery->note_moved(id, here);
        });
}

void client_link::restore_stored(socket_core& s, const kept_socket& was) {
    context_.stored->supersede(s, was);
    std::copy_n(was.id.data(), s.id.size(), s.id.begin());
    if (!was.data.empty())
        s.give_data(weft::detail::owned_ptr<detail::data_node>(new detail::stored_data(was.data)));
    context_.hub().subscribe(s, context_.topic(s.space->name));
    for (const std::string& room : was.rooms) s.enter(room);
    s.place = context_.stored->resume(was);
    s.place->charge.emplace(context_.loop().budget(),
                            s.place->cost() + detail::stored_recovery::cost_of_socket);
}

/// Behind the answer to the CONNECT: what comes before that one, a client keeps for its next
/// connection if this one breaks meanwhile, and then gets a second time.
void client_link::send_missed(socket_core& s, const recovery_store::missed_list& missed) {
    for (const auto& what : missed) {
        const detail::packet_name name = detail::name_of(what->at);
        const detail::written_packet packet =
            write_event(context_, *s.space, what->event, {what->arguments, what->attachments},
                        {.uncompressed = what->uncompressed}, &name);
        if (packet.messages().empty()) continue;
        s.place->sent(packet.messages().front());
        session_.send(packet.messages());
    }
    context_.stored->keep(s);
}

detail::gate client_link::gate_of(const socket_core& s) {
    return {context_.shared_from_this(), s.key, s.step};
}

void client_link::ask(socket_core& s) {
    detail::server_core& core = *context_.core();
    const std::size_t patterns = core.patterns.size();
    // The socket may go meanwhile, also with an exception: letting its gate go refuses it.
    const auto space = s.space;
    const auto guarded = [&](std::string_view callback, auto&& code) {
        context_.users.call(code, [&, callback] {
            user_place place{.callback = callback, .nsp = space->name};
            place.peer = session_.peer().address().to_string();
            return place;
        });
    };
    if (s.step < patterns) {
        guarded("a predicate",
                [&] { core.patterns[s.step].decide(space->name, s.socket::auth(), gate_of(s)); });
        return;
    }
    if (s.space->handlers == core.no_handlers) {
        refuse(s, refusal("Invalid namespace"));
        return;
    }
    auto& middlewares = s.space->handlers->middlewares;
    const std::size_t next = s.step - patterns;
    const bool skip = s.restored && core.chosen.connection_state_recovery->skip_middlewares;
    if (skip || next >= middlewares.size()) {
        connected(s);
        return;
    }
    guarded("a middleware", [&] { middlewares[next](s, gate_of(s)); });
}

void client_link::judge(socket_core& s, const admission<>& decided) {
    detail::server_core& core = *context_.core();
    const bool pattern_asked = s.step < core.patterns.size();
    if (!pattern_asked && !decided.allowed()) {
        refuse(s, decided.why());
        return;
    }
    if (decided.who()) {
        peer& client = session_.peer();
        if (net::traffic_account* const account = client.traffic()) {
            net::loop_core& loop = context_.loop();
            if (const auto no = net::tell(loop, "socketio",
                                          account->enter_as(decided.who()->subject, loop.now()),
                                          client, s.space->name))
                return refuse(s, no->to_refusal());
        }
        client.identify(*decided.who());
    }
    if (!pattern_asked || !decided.allowed()) {
        ++s.step;
    } else {
        const auto& chosen = *core.info_of(*core.patterns[s.step].made);
        auto made = context_.make_child(chosen, s.space->name);
        if (!made) {
            context_.note(errc::too_many_child_namespaces, &session_.peer(), s.space->name);
            refuse(s, refusal("too many namespaces: max_child_namespaces, memory_limit"));
            return;
        }
        s.space = std::move(made);
        context_.use_child(*s.space);
        s.step = static_cast<std::uint32_t>(core.patterns.size());
    }
    ask(s);
}

void client_link::begin_recovery(socket_core& s) {
    std::array<char, 20> drawn{};
    if (!context_.draw_id(drawn)) return;
    s.place = context_.stored ? context_.stored->begin(drawn) : context_.recovery->begin(drawn);
    s.place->charge.emplace(
        context_.loop().budget(),
        s.place->cost() + (context_.stored ? detail::stored_recovery::cost_of_socket : 0));
    if (context_.stored) context_.stored->keep(s);
}

void client_link::refuse(socket_core& s, const refusal& why) {
    send_refusal(s.space->name, why);
    std::erase(sockets_, &s);
    forget(s);
}

void client_link::send_refusal(std::string_view nsp, const refusal& why) {
    context_.metrics.refused.add();
    context_.loop().tell_refusal(log_level::info, "socketio", "a client was not let in", [&] {
        return refusal_facts{session_.peer().address().to_string(), nsp, words_of(why)};
    });
    std::string payload;
    if (legacy()) {
        payload = version_2_refusal(why);
    } else {
        json_writer json(payload);
        json.begin_object();
        json.member("message", words_of(why));
        if (!why.data.empty()) json.raw_member("data", why.data);
        json.end_object();
    }
    const auto packet = begin_packet();
    append_connect_error(*packet, nsp, payload);
    send_packet(*packet);
}

void client_link::connected(socket_core& s) {
    if (s.restored && s.restored->stored && !s.restored->stored_missed)
        return context_.stored->catch_up(s);
    joined_once_ = true;
    if (!assembler_) cancel();
    s.now = socket_core::state::connected;
    context_.loop().budget().release(socket_core::asking_cost);
    context_.metrics.connected.add();
    context_.count_socket(*s.space, true);
    std::unique_ptr<recovery_store::missed_list> missed;
    if (s.restored) {
        missed = std::move(s.restored->stored_missed);
        restore(s);
    } else {
        context_.hub().subscribe(s, context_.topic(s.space->name));
        s.enter(s.id_text());
        if ((context_.recovery || context_.stored) && !legacy()) begin_recovery(s);
    }
    if (const auto early = std::exchange(s.early_rooms, nullptr)) {
        for (const std::string& room : early->rooms) s.enter(room);
    }
    std::string payload;
    if (!legacy()) {
        json_writer json(payload);
        json.begin_object();
        json.member("sid", s.id_text());
        if (s.place) json.member("pid", s.place->id);
        json.end_object();
    }
    const auto packet = begin_packet();
    append_connect(*packet, s.space->name, payload);
    send_packet(*packet);
    if (missed) send_missed(s, *missed);
    for (auto& told : s.space->handlers->connect) {
        if (s.now != socket_core::state::connected) return;
        context_.guarded("on_connect", &s, [&] { told(s); });
    }
}

// ---- Events and acknowledgements ----

void client_link::on_event(socket_core& s, const packet_view& packet,
                           std::span<const byte_view> attachments) {
    context_.metrics.events_received.add();
    if (packet.event.empty()) return;  // an event without payload: tolerated, as by Node
    std::string memory;
    const std::string_view name = event_name(packet.event, memory);
    const raw_arguments args{packet.arguments, attachments};
    detail::space_handlers& handlers = *s.space->handlers;
    const auto go_on = [&] { return s.now == socket_core::state::connected; };

    for (auto& told : handlers.any) {
        context_.guarded(
            "on_any", &s, [&] { told(s, name, args); }, name);
        if (!go_on()) return;
    }
    const auto route = context_.shared_from_this();
    for (auto& decide : handlers.filters) {
        raw_ack ack(route, s.key, packet.id);
        try {
            if (const admission<> decided = decide(s, name, args); !decided.allowed()) {
                ack.refuse(error(errc::event_refused, words_of(decided.why())));
                return;
            }
        } catch (...) {
            ack.fail(std::current_exception(), name);
            return;
        }
        if (!go_on()) return;
    }
    if (!handlers.schemas.empty() && !meets_schema(s, name, packet)) return;
    const auto found = handlers.events.find(name);
    if (found == handlers.events.end()) {
        context_.metrics.unhandled_events.add();
        if (handlers.unhandled)
            context_.guarded(
                "on_unhandled", &s,
                [&] {
                    handlers.unhandled(s, name, args, {route, s.key, packet.id});
                },
                name);
        return;
    }
    auto id = packet.id;
    for (auto& handle : found->second) {
        context_.guarded(
            "a handler", &s,
            [&] {
                handle(s, name, args, {route, s.key, std::exchange(id, {})});
            },
            name);
        if (!go_on()) return;
    }
}

bool client_link::meets_schema(socket_core& s, std::string_view event, const packet_view& packet) {
    const auto& schemas = s.space->handlers->schemas;
    const auto found = schemas.find(event);
    if (found == schemas.end()) return true;
    std::optional<schema::violation> wrong;
    {
        const auto whole = context_.texts.borrow();
        whole->assign("[").append(packet.arguments) += ']';
        wrong = found->second.check(*whole);
    }
    if (wrong) answer_violation(s, event, packet.id, *wrong);
    return !wrong;
}

/// Whoever goes on with it loses the connection.
void client_link::answer_violation(socket_core& s, std::string_view event,
                                   std::optional<std::uint64_t> ack,
                                   const schema::violation& wrong) {
    const time_point now = context_.loop().now();
    context_.below().metrics.violations.count(wrong.rule);
    context_.metrics.refused_events.add();
    if (auto* const traffic = session_.peer().traffic()) traffic->note_error(now);
    const net::pace allowed(context_.core()->chosen.max_violations / 60.0, std::chrono::minutes(1));
    even_at_ = allowed.spend(even_at_, 1, now);
    if (even_at_ <= now) {
        if (ack) {
            send_ack(s.space->name, *ack, detail::encode_violation(event, wrong));
        } else {
            send_event(s.space->name, {}, "error", detail::encode_violation_event(event, wrong),
                       {});
        }
    }
    std::string told(event);
    told.append(": ").append(wrong.what());
    context_.tell_error(s, error(errc::bad_argument, std::move(told)));
    if (even_at_ > now) fail(errc::too_many_violations);
}

void client_link::on_ack(socket_core& s, const packet_view& packet,
                         std::span<const byte_view> attachments) {
    if (packet.id) context_.on_ack(s, *packet.id, {packet.arguments, attachments});
}

detail::scratch_pool<std::string>::loan client_link::begin_packet() {
    auto packet = context_.texts.borrow();
    *packet = "4";
    return packet;
}

send_status client_link::send_packet(std::string& packet, std::span<const message> attachments,
                                     const message_options& how) {
    if (how.droppable && !session_.writable()) return send_status::dropped;
    const bool packed = context_.core()->chosen.parser == packet_parser::msgpack;
    if (packed && !detail::to_msgpack(*context_.core(), packet, attachments))
        return send_status::dropped;
    const message_view whole =
        packed ? message_view(message_kind::binary, as_bytes(packet)) : message_view(packet);
    const bool alone = packed || attachments.empty();
    if (alone && !how.uncompressed && !how.latest) return session_.send(whole);
    detail::written_packet parts(context_.groups);
    parts.add(message(whole, how));
    if (!alone) {
        for (const message& attachment : attachments) parts.add(attachment);
    }
    return session_.send(parts.messages());
}

send_status client_link::send_event(std::string_view nsp, std::optional<std::uint32_t> ack,
                                    std::string_view event, const encoded_arguments& args,
                                    const detail::emit_flags& flags) {
    context_.metrics.events_sent.add();
    const auto packet = begin_packet();
    append_event(*packet, nsp, ack, event, args.json, args.attachments.size());
    std::string key;
    message_options how = detail::delivery_of(flags, nsp, key);
    if (ack) how.latest = false;  // one that is asked is to answer
    return send_packet(*packet, args.attachments, how);
}

send_status client_link::send_ack(std::string_view nsp, std::uint64_t id,
                                  const encoded_arguments& what) {
    context_.metrics.acks_sent.add();
    const auto packet = begin_packet();
    append_ack(*packet, nsp, id, what.json, what.attachments.size());
    return send_packet(*packet, what.attachments);
}

// ---- The way out ----

void client_link::disconnect(socket_core& s, disconnect_scope what) {
    if (what == disconnect_scope::connection) {
        for (socket_core* each : std::vector(sockets_))
            disconnect(*each, disconnect_scope::this_namespace);
        ended_ = true;
        session_.close(engineio::close_reason::forced_close);
        return;
    }
    if (s.now != socket_core::state::connected) return;
    left_some_ = true;
    const auto packet = begin_packet();
    append_disconnect(*packet, s.space->name);
    send_packet(*packet);
    leave(s, disconnect_reason::server_namespace_disconnect);
    context_.finish_later(s);
}

void client_link::leave(socket_core& s, disconnect_reason why) {
    if (s.now != socket_core::state::connected) return;
    s.now = socket_core::state::leaving;
    s.why = why;
    if (s.place && context_.stored) context_.stored->leave(*s.place);
    if (s.place && context_.recovery) context_.recovery->leave(*s.place);
}

void client_link::finish(socket_core& s) {
    if (s.now == socket_core::state::leaving) {
        s.now = socket_core::state::gone;
        for (auto& told : s.space->handlers->disconnecting)
            context_.guarded("on_disconnecting", &s, [&] { told(s, s.why); });
        detail::kept_session kept;
        std::vector<std::string> rooms;  // for a store
        const bool stored = s.place && context_.stored;
        if (stored) context_.within_memory([&] { rooms = s.rooms(); });
        // Without memory for it, the client starts afresh.
        const bool keep = s.place && !stored && recoverable(s.why) && context_.within_memory([&] {
            kept.nsp = s.space->name;
            context_.hub().for_each_topic(
                s, [&](std::string_view topic) { kept.topics.emplace_back(topic); });
        });
        context_.hub().unsubscribe_all(s);
        context_.forget_acks(s);
        context_.count_socket(*s.space, false);
        for (auto& told : s.space->handlers->disconnect)
            context_.guarded("on_disconnect", &s, [&] { told(s, s.why); });
        if (stored) {
            context_.within_memory([&] {
                recoverable(s.why) ? context_.stored->keep_last(s, std::move(rooms))
                                   : context_.stored->forget(s);
            });
        }
        if (keep) {
            s.place->charge.reset();
            kept.place = std::move(*s.place);
            kept.id = s.id;
            kept.data = s.take_data();
            context_.within_memory([&] { context_.recovery->keep(std::move(kept)); });
        }
    }
    std::erase(sockets_, &s);
    forget(s);
}

void client_link::forget(socket_core& s) {
    context_.leave_child(*s.space);
    context_.sockets.free(static_cast<std::uint32_t>(s.key >> 32U));
}

/// The client may have a newer token.
void client_link::on_identity_ending() {
    const identity* const who = session_.peer().who();
    if (who == nullptr) return;
    for (socket_core* const s : std::vector(sockets_)) {
        const auto& verifiers = s->space->handlers->verifiers;
        if (s->now != socket_core::state::connected || verifiers.empty()) continue;
        const auto left =
            auth::left_of(*who, verifiers.front().options().leeway, context_.loop().now());
        s->emit("token_expiring", left.count());
    }
}

void client_link::on_close(engineio::close_reason why) {
    ended_ = true;
    cancel();
    while (!sockets_.empty()) {
        socket_core& s = *sockets_.front();
        leave(s, to_reason(why));
        finish(s);
    }
}

}  // namespace weft::socketio
