// A Socket.IO server as a part of a cluster: what others do reaches our sockets and handlers, and
// what they ask is answered. Names of namespaces and rooms travel to the adapter as they come into
// use. All of it goes the way of our own calls, with `local` set, so that nothing travels back.

#include <atomic>
#include <new>
#include <utility>

#include "socketio/broadcast_wait.hpp"
#include "socketio/core.hpp"
#include "socketio/error_answer.hpp"
#include "socketio/loop_context.hpp"

namespace weft::socketio {
namespace detail {

void server_core::each_namespace(function_ref<void(std::string_view)> visit) const {
    for (const auto& [name, made] : spaces_) visit(name);
}

namespace {

/// The parts of a room's topic; see `append_room_topic`. A namespace's own has no room.
std::pair<std::string_view, std::string_view> parts_of(std::string_view topic) noexcept {
    const std::size_t comma = topic.find(',');
    if (comma == std::string_view::npos) return {topic, {}};
    return {topic.substr(0, comma), topic.substr(comma + 1)};
}

}  // namespace

void server_core::on_used(pubsub::topic_key topic) {
    const auto [nsp, room] = parts_of(topic.name);
    if (reach->in_cluster.load(std::memory_order_acquire)) chosen.adapter->on_used(nsp, room);
}

void server_core::on_unused(pubsub::topic_key topic) noexcept {
    const auto [nsp, room] = parts_of(topic.name);
    if (reach->in_cluster.load(std::memory_order_acquire)) chosen.adapter->on_unused(nsp, room);
}

std::size_t server_core::memory_of(pubsub::topic_key topic) const noexcept {
    const auto [nsp, room] = parts_of(topic.name);
    return chosen.adapter->memory_of(nsp, room);
}

std::shared_ptr<const space_info> server_core::space_of(const cluster_message& what) {
    if (auto known = find(what.to.nsp)) return known;
    auto named = std::make_shared<space_info>();
    named->server = reach;
    named->handlers = no_handlers;
    named->name = what.to.nsp;
    return named;
}

namespace {

broadcast_target target_of(const space_info& info, const cluster_message& what) {
    broadcast_target target;
    target.space = &info;
    target.flags = {.droppable = what.droppable,
                    .uncompressed = what.uncompressed,
                    .local = true,
                    .latest = what.latest};
    for (const std::string& room : what.to.rooms) target.rooms.add(room);
    for (const std::string& room : what.to.except) target.except.add(room);
    return target;
}

/// Where the acknowledgements of `on_server_side` go; the first counts.
class server_side_answer final : public ack_route {
public:
    server_side_answer(loop_ref home, std::shared_ptr<cluster_answers> to)
        : home_(std::move(home)), to_(std::move(to)) {}

    void acknowledge(std::uint64_t peer, std::uint64_t id,
                     const encoded_arguments& what) noexcept override {
        try {
            acknowledge(peer, id, encoded_arguments(what));
        } catch (const std::bad_alloc&) {  // as if it had not answered
            return;
        }
    }
    void acknowledge(std::uint64_t, std::uint64_t, encoded_arguments&& what) noexcept override {
        if (told_.exchange(true)) return;
        try {
            home_.post([to = to_, what = std::move(what)] {
                std::vector<byte_view> attachments;
                for (const message& one : what.attachments) attachments.push_back(one.bytes());
                to->reply({what.json, attachments});
                to->end({});
            });
        } catch (const std::bad_alloc&) {
            return;
        }
    }
    void refuse(std::uint64_t peer, std::optional<std::uint64_t> id,
                const error& why) noexcept override {
        if (!id) return;
        try {
            acknowledge(peer, *id, encode_error(why));
        } catch (const std::bad_alloc&) {
            return;
        }
    }
    void failed(std::uint64_t peer, std::optional<std::uint64_t> id, std::exception_ptr,
                std::string_view) noexcept override {
        refuse(peer, id, error(errc::handler_failed, "internal error"));
    }

private:
    const loop_ref home_;
    const std::shared_ptr<cluster_answers> to_;
    std::atomic<bool> told_{false};
};

}  // namespace

void server_core::tell_servers_handlers(const space_info& info, const cluster_message& what,
                                        const std::shared_ptr<ack_route>& answers) {
    const auto found = info.handlers->server_side.find(what.event);
    if (found == info.handlers->server_side.end()) return;
    std::vector<byte_view> attachments;
    for (const message& one : what.attachments) attachments.push_back(one.bytes());
    for (auto& told : found->second) {
        raw_ack reply = answers ? raw_ack(answers, 0, 0) : raw_ack();
        reach->guarded(
            [&] {
                told({what.arguments, attachments}, std::move(reply));
            },
            [&] {
                return user_place{
                    .callback = "on_server_side", .event = what.event, .nsp = what.to.nsp};
            });
    }
}

void server_core::apply(const cluster_message& what) {
    const auto info = space_of(what);
    if (what.what == cluster_message::kind::server_side_emit) {
        tell_servers_handlers(*info, what, {});
        return;
    }
    const broadcast_target target = target_of(*info, what);
    switch (what.what) {
        case cluster_message::kind::broadcast:
            if (what.at == log_position()) {
                broadcast_encoded(target, what.event, {what.arguments, what.attachments});
            } else if (reach->may_emit(what.event)) {
                broadcast_logged(*reach->loops().front(), target, what.event,
                                 {what.arguments, what.attachments}, what.at);
            }
            break;
        case cluster_message::kind::join:
        case cluster_message::kind::leave:
            for (const std::string& room : what.names)
                change_rooms(target, room, what.what == cluster_message::kind::join);
            break;
        case cluster_message::kind::disconnect:
            if (what.superseded_by != 0) {
                for (const std::string& id : what.to.rooms)
                    supersede_sockets(*info, id, what.superseded_by);
                break;
            }
            disconnect_sockets(target, what.close ? disconnect_scope::connection
                                                  : disconnect_scope::this_namespace);
            break;
        default: break;
    }
}

void server_core::passed(log_position at) {
    pass_log(*reach->loops().front(), at);
}

void server_core::answer(const cluster_message& what, duration limit,
                         std::shared_ptr<cluster_answers> to) {
    const auto info = space_of(what);
    broadcast_target target = target_of(*info, what);
    switch (what.what) {
        case cluster_message::kind::fetch_sockets:
            fetch_sockets(target, [to = std::move(to)](fetched_sockets all) {
                to->found(std::move(all.sockets));
                to->end({});
            });
            break;
        case cluster_message::kind::broadcast:
            target.flags.timeout = limit;
            broadcast_awaiting(
                target, what.event, {what.arguments, what.attachments},
                [to](const raw_arguments* answer, const replies_end&) {
                    if (answer != nullptr) {
                        to->reply(*answer);
                    } else {
                        to->end({});
                    }
                },
                [to](std::size_t sockets) { to->expect(sockets); });
            break;
        case cluster_message::kind::server_side_emit:
            tell_servers_handlers(
                *info, what,
                std::make_shared<server_side_answer>(reach->loops().front()->ref(), std::move(to)));
            break;
        default: to->end({}); break;
    }
}

// ---- What we ask others ----

std::shared_ptr<const cluster_message> server_side_message(const space_info& info,
                                                           std::string_view event,
                                                           const encoded_arguments& args) {
    auto told = std::make_shared<cluster_message>();
    told->what = cluster_message::kind::server_side_emit;
    told->to.nsp = info.name;
    told->event = event;
    told->arguments = args.json;
    told->attachments = args.attachments;
    return told;
}

namespace {

/// Brings what servers answer to the loop that asked.
class servers_replies final : public cluster_answers {
public:
    servers_replies(std::shared_ptr<loop_context> home, replies_callback told)
        : state_(std::make_shared<state>(std::move(home), std::move(told))) {}

    void expect(std::size_t) override {}
    void found(std::vector<remote_socket>) override {}
    void reply(const raw_arguments& what) override {
        state_->home->post([state = state_, owned = owned_arguments(what)] {
            const std::vector<byte_view> views(owned.blocks.begin(), owned.blocks.end());
            const raw_arguments args{owned.json, views};
            if (state->told) state->tell(&args, {});
        });
    }
    void end(const silent_servers& silent) override {
        state_->home->post([state = state_, silent]() mutable {
            if (state->told) state->tell(nullptr, {0, std::move(silent)});
            state->told = nullptr;
        });
    }

private:
    struct state {
        state(std::shared_ptr<loop_context> asker, replies_callback callback)
            : home(std::move(asker)), told(std::move(callback)) {}
        void tell(const raw_arguments* what, replies_end end) {
            home->guarded("the callback of server_side_emit_with_ack", nullptr,
                          [&] { told(what, std::move(end)); });
        }
        const std::shared_ptr<loop_context> home;
        replies_callback told;
    };
    std::shared_ptr<state> state_;
};

}  // namespace

void ask_servers(const space_info& info, std::string_view event, const encoded_arguments& args,
                 replies_callback on_reply) {
    server_reach& server = *info.server;
    if (server.loops().empty()) return;
    loop_context* const context = server.here();
    auto home = context != nullptr ? context->shared_from_this() : server.loops().front();
    auto answers = std::make_shared<servers_replies>(std::move(home), std::move(on_reply));
    if (!server.ask(server_side_message(info, event, args), server.ack_timeout, answers))
        answers->end({});
}

}  // namespace detail
}  // namespace weft::socketio
