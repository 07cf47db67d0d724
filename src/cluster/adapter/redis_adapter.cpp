// What a Socket.IO server and the other nodes of its cluster tell and ask each other.
//
// Node learns how many nodes will answer from the number of subscribers of a channel; so do we,
// without waiting for it: the question follows in the same write. A node that does not answer in
// time is told as silent, with its name where the messages of this kind of adapter have one.
//
// Invariant: a question is in the table until its `end` has been called, which happens once.

#include "cluster/adapter/redis_adapter.hpp"

#include <algorithm>
#include <utility>

#include <weft/cluster/adapter.hpp>

#include "cluster/adapter/socket_description.hpp"

namespace weft::cluster {

using socketio::cluster_message;

namespace {

/// Rooms are told to the home loop as one name.
constexpr char between = '\0';

constexpr std::uint64_t most_clients = 1'000'000'000;  // of one node

traffic about(const message_head& head) noexcept {
    if (head.type >= message_type::sockets && head.type <= message_type::done)
        return traffic::answers;
    return head.request_id.empty() ? traffic::broadcasts : traffic::requests;
}

std::string room_name(std::string_view nsp, std::string_view room) {
    std::string name(nsp);
    name += between;
    name += room;
    return name;
}

std::pair<std::string, std::string_view> parts_of(const std::string& room_name) {
    const std::size_t at = room_name.find(between);
    return {room_name.substr(0, at), std::string_view(room_name).substr(at + 1)};
}

}  // namespace

/// Sends what our sockets and handlers answer to who asked.
class redis_adapter::remote_answers final : public socketio::cluster_answers {
public:
    remote_answers(std::weak_ptr<redis_adapter> by, const adapter_message& question)
        : by_(std::move(by)),
          asked_(question.head.type),
          nsp_(question.content.to.nsp),
          receiver_(question.head.uid),
          request_id_(question.head.request_id) {}

    void expect(std::size_t sockets) override {
        message_head head = head_of(message_type::client_count);
        head.count = sockets;
        send(head, {});
    }
    void reply(const socketio::raw_arguments& what) override {
        cluster_message content;
        content.arguments = what.json;
        for (const byte_view one : what.attachments)
            content.attachments.push_back(message::binary(one));
        send(head_of(asked_ == message_type::broadcast ? message_type::client_ack
                                                       : message_type::server_side_answer),
             std::move(content));
    }
    void found(std::vector<socketio::remote_socket> sockets) override {
        std::move(sockets.begin(), sockets.end(), std::back_inserter(found_));
    }
    void end(const socketio::silent_servers&) override {
        if (asked_ == message_type::broadcast || asked_ == message_type::server_side_emit) return;
        message_head head = head_of(message_type::sockets);
        cluster_message content;
        if (asked_ == message_type::fetch_sockets) {
            for (const auto& one : found_) head.sockets.push_back(describe(one));
        } else if (asked_ == message_type::list_sockets) {
            head.type = message_type::socket_ids;
            for (auto& one : found_) content.names.push_back(std::move(one.id));
        } else if (asked_ == message_type::list_rooms) {
            head.type = message_type::rooms;
            for (auto& one : found_)
                std::move(one.rooms.begin(), one.rooms.end(), std::back_inserter(content.names));
            std::sort(content.names.begin(), content.names.end());
            content.names.erase(std::unique(content.names.begin(), content.names.end()),
                                content.names.end());
        } else if (!found_.empty()) {
            head.type = message_type::done;
        } else {
            return;
        }
        send(head, std::move(content));
    }

private:
    [[nodiscard]] message_head head_of(message_type type) const {
        message_head head;
        head.type = type;
        head.request_id = request_id_;
        return head;
    }
    void send(message_head head, cluster_message content) {
        const auto by = by_.lock();
        if (!by) return;
        head.uid = by->link_->uid();
        content.to.nsp = nsp_;
        by->send(head, content, receiver_);
    }

    const std::weak_ptr<redis_adapter> by_;
    const message_type asked_;
    const std::string nsp_, receiver_, request_id_;
    std::vector<socketio::remote_socket> found_;
};

redis_adapter::redis_adapter(std::shared_ptr<link> over)
    : link_(std::move(over)),
      wire_(make_wire(link_->chosen().adapter, link_->chosen().prefix)),
      store_(link_->chosen().adapter == adapter_kind::streams
                 ? std::make_shared<stream_store>(link_)
                 : nullptr) {}

// ---- Called by the server ----

socketio::recovery_store* redis_adapter::open_store() {
    if (store_) store_->keep_places();
    return store_.get();
}

result<void> redis_adapter::start(socketio::adapter_target& target, loop_ref home) {
    if (target_ != nullptr)
        return error(weft::errc::invalid_state, "an adapter belongs to one Socket.IO server");
    if (auto begun = link_->join(home); !begun) return begun;
    home_ = home;
    target_ = &target;
    const std::weak_ptr<redis_adapter> weak = weak_from_this();
    spaces_ = std::make_shared<interest>(
        home,
        [weak](const std::string& nsp) {
            if (const auto self = weak.lock())
                self->listen(self->wire_->subscriptions(nsp, self->link_->uid()), nsp);
        },
        [weak](const std::string& nsp) {
            if (const auto self = weak.lock())
                self->stop_listening(self->wire_->subscriptions(nsp, self->link_->uid()));
        });
    rooms_ = std::make_shared<interest>(
        home,
        [weak](const std::string& name) {
            const auto [nsp, room] = parts_of(name);
            if (const auto self = weak.lock())
                self->listen(self->wire_->subscriptions_of_room(nsp, room), nsp);
        },
        [weak](const std::string& name) {
            const auto [nsp, room] = parts_of(name);
            if (const auto self = weak.lock())
                self->stop_listening(self->wire_->subscriptions_of_room(nsp, room));
        });
    target.each_namespace([&](std::string_view nsp) { spaces_->add(nsp); });
    if (!store_) return {};
    auto begun = store_->start(target, [weak](adapter_message& what) {
        if (const auto self = weak.lock()) self->accept(what);
    });
    if (!begun) stop();
    return begun;
}

void redis_adapter::stop() noexcept {
    if (std::exchange(target_, nullptr) == nullptr) return;
    if (store_) store_->stop();
    if (spaces_) spaces_->clear();
    if (rooms_) rooms_->clear();
    for (auto& [id, asked] : std::exchange(questions_, {})) asked.end.cancel();
}

template <class F>
bool redis_adapter::at_home(F task) {
    return home_->post([weak = weak_from_this(), task = std::move(task)]() mutable {
        const auto self = weak.lock();
        if (self && self->target_ != nullptr) task(*self);
    });
}

void redis_adapter::publish(std::shared_ptr<const cluster_message> what) {
    at_home([what = std::move(what)](redis_adapter& self) {
        message_head head;
        head.type = type_of(what->what);
        head.uid = self.link_->uid();
        if (self.store_ && is_for_stream(head)) return self.store_->publish(head, what);
        self.send(head, *what);
    });
}

void redis_adapter::ask(std::shared_ptr<const cluster_message> what, duration limit,
                        std::shared_ptr<socketio::cluster_answers> to) {
    at_home([what = std::move(what), limit, to = std::move(to)](redis_adapter& self) mutable {
        self.begin(*what, limit, std::move(to));
    });
}

void redis_adapter::on_used(std::string_view nsp, std::string_view room) {
    if (room.empty()) {
        at_home([name = std::string(nsp)](redis_adapter& self) { self.spaces_->add(name); });
    } else if (wire_->listens_to_room(room)) {
        at_home([name = room_name(nsp, room)](redis_adapter& self) { self.rooms_->add(name); });
    }
}

void redis_adapter::on_unused(std::string_view nsp, std::string_view room) noexcept {
    try {
        if (room.empty()) {
            at_home([name = std::string(nsp)](redis_adapter& self) { self.spaces_->remove(name); });
        } else if (wire_->listens_to_room(room)) {
            at_home(
                [name = room_name(nsp, room)](redis_adapter& self) { self.rooms_->remove(name); });
        }
    } catch (...) {  // memory is out: we listen to it until the process ends
        return;
    }
}

std::size_t redis_adapter::memory_of(std::string_view nsp, std::string_view room) const noexcept {
    if (!room.empty() && !wire_->listens_to_room(room)) return 0;
    return subscription_memory(nsp.size() + room.size());
}

// ---- Channels ----

void redis_adapter::listen(const std::vector<wire::subscription>& to, const std::string& nsp) {
    for (const auto& one : to) {
        link_->subscribe(one.kind, one.channel,
                         [weak = weak_from_this(), role = one.role, nsp](std::string_view channel,
                                                                         std::string_view body) {
                             if (const auto self = weak.lock())
                                 self->receive(role, nsp, channel, body);
                         });
    }
}

void redis_adapter::stop_listening(const std::vector<wire::subscription>& to) {
    for (const auto& one : to) link_->redis().unsubscribe(one.kind, one.channel);
}

void redis_adapter::send(const message_head& head, const cluster_message& content,
                         std::string_view receiver) {
    std::string body;
    if (const errc why = wire_->append(body, head, content); why != errc{}) {
        link_->drop(make_error_code(why).message());
        return;
    }
    const auto [kind, channel] = wire_->address_of(head, content, receiver);
    link_->publish(about(head), kind, channel, body);
}

// ---- What we ask ----

void redis_adapter::begin(const cluster_message& what, duration limit,
                          std::shared_ptr<socketio::cluster_answers> to) {
    message_head head;
    head.type = type_of(what.what);
    head.uid = link_->uid();
    head.request_id = link_->draw_id();
    if (what.what == cluster_message::kind::broadcast)
        head.timeout = static_cast<std::uint64_t>(
            std::max<std::int64_t>(std::chrono::ceil<std::chrono::milliseconds>(limit).count(), 1));
    question asked{head.type, what.to.nsp, std::move(to), {}, std::nullopt, 0, 0, 0, {}};
    asked.end = home_->after(limit, [weak = weak_from_this(), id = head.request_id] {
        const auto self = weak.lock();
        if (!self) return;
        if (const auto at = self->questions_.find(id); at != self->questions_.end()) self->end(at);
    });
    questions_.emplace(head.request_id, std::move(asked));
    link_->metrics.questions.add();
    count_nodes(head.request_id, what.to.nsp);
    send(head, what);
}

void redis_adapter::count_nodes(const std::string& request_id, const std::string& nsp) {
    const auto [name, channel] = wire_->nodes_of(nsp);
    const auto asked = link_->redis().command(
        channel, {"PUBSUB", name, channel},
        [weak = weak_from_this(), id = request_id](result<redis::reply_view> reply) {
            const auto self = weak.lock();
            if (!self || !reply || reply->size() < 2) return;
            const auto at = self->questions_.find(id);
            if (at == self->questions_.end()) return;
            const std::int64_t nodes = (*std::next(reply->begin())).integer();
            at->second.nodes = static_cast<std::size_t>(std::max<std::int64_t>(nodes - 1, 0));
            self->check(at);
        });
    (void)asked;  // whoever does not know the number waits for the time to end
}

void redis_adapter::check(questions::iterator at) {
    const question& asked = at->second;
    if (asked.nodes && asked.answered >= *asked.nodes && asked.replies >= asked.clients) end(at);
}

void redis_adapter::end(questions::iterator at) {
    question asked = std::move(at->second);
    questions_.erase(at);
    asked.end.cancel();
    socketio::silent_servers silent;
    // Without a number from Redis there is one that is silent: Redis.
    const std::size_t nodes = asked.nodes.value_or(asked.answered + 1);
    silent.count = nodes - std::min(nodes, asked.answered);
    link_->metrics.silent.add(silent.count);
    for (auto one = known_.rbegin(); one != known_.rend() && !asked.who.empty(); ++one) {
        if (silent.names.size() == silent.count) break;
        if (std::find(asked.who.begin(), asked.who.end(), *one) == asked.who.end())
            silent.names.push_back(*one);
    }
    asked.to->end(silent);
}

// ---- What others say ----

void redis_adapter::receive(channel_role role, const std::string& nsp, std::string_view channel,
                            std::string_view body) {
    if (target_ == nullptr) return;
    adapter_message what;
    if (const errc why = wire_->decode(role, nsp, as_bytes(body), what); why != errc{}) {
        link_->ignore(channel, make_error_code(why));
        return;
    }
    if (what.head.uid == link_->uid()) return;
    link_->metrics.of(about(what.head)).received.add();
    accept(what);
}

void redis_adapter::accept(adapter_message& what) {
    if (target_ == nullptr) return;
    if (!what.head.uid.empty() && what.head.uid != link_->uid()) note(what.head.uid);
    on_message(what);
}

void redis_adapter::note(const std::string& uid) {
    constexpr std::size_t most = 1000;
    if (!known_.empty() && known_.back() == uid) return;
    const auto found = std::find(known_.begin(), known_.end(), uid);
    if (found != known_.end()) known_.erase(found);
    if (known_.size() == most) known_.erase(known_.begin());
    known_.push_back(uid);
}

void redis_adapter::on_message(adapter_message& what) {
    const bool wants_answer = !what.head.request_id.empty();
    switch (what.head.type) {
        case message_type::broadcast:
        case message_type::join:
        case message_type::leave:
        case message_type::disconnect:
        case message_type::server_side_emit:
            wants_answer ? on_question(what) : target_->apply(what.content);
            break;
        case message_type::fetch_sockets:
        case message_type::list_sockets:
        case message_type::list_rooms: on_question(what); break;
        case message_type::adapter_close:
            known_.erase(std::remove(known_.begin(), known_.end(), what.head.uid), known_.end());
            break;
        case message_type::initial_heartbeat:
        case message_type::heartbeat: break;
        default: on_answer(what); break;
    }
}

void redis_adapter::on_question(adapter_message& what) {
    using std::chrono::milliseconds;
    constexpr std::uint64_t longest = 24ULL * 60 * 60 * 1000;
    const milliseconds limit(std::min(what.head.timeout.value_or(5000), longest));
    auto to = std::make_shared<remote_answers>(weak_from_this(), what);
    switch (what.head.type) {
        case message_type::broadcast:
        case message_type::server_side_emit: break;
        case message_type::join:
        case message_type::leave: target_->apply(what.content); [[fallthrough]];
        default: what.content.what = cluster_message::kind::fetch_sockets; break;
    }
    target_->answer(what.content, limit, std::move(to));
    if (what.head.type != message_type::disconnect) return;
    what.content.what = cluster_message::kind::disconnect;  // now: nobody finds it afterwards
    target_->apply(what.content);
}

void redis_adapter::on_answer(adapter_message& what) {
    const auto at = questions_.find(what.head.request_id);
    if (at == questions_.end()) return;
    question& asked = at->second;
    if (!what.head.uid.empty() && what.head.type != message_type::client_ack)
        asked.who.push_back(what.head.uid);
    const std::shared_ptr<socketio::cluster_answers> to = asked.to;
    switch (what.head.type) {
        case message_type::sockets: {
            if (asked.type != message_type::fetch_sockets) return;
            ++asked.answered;
            std::vector<socketio::remote_socket> sockets;
            for (auto& one : what.head.sockets) sockets.push_back(remote_socket_of(std::move(one)));
            to->found(std::move(sockets));
            break;
        }
        case message_type::client_count:
            if (asked.type != message_type::broadcast) return;
            ++asked.answered;
            asked.clients += static_cast<std::size_t>(std::min(what.head.count, most_clients));
            to->expect(static_cast<std::size_t>(std::min(what.head.count, most_clients)));
            break;
        case message_type::client_ack:
        case message_type::server_side_answer: {
            const bool of_client = what.head.type == message_type::client_ack;
            if (asked.type !=
                (of_client ? message_type::broadcast : message_type::server_side_emit))
                return;
            ++(of_client ? asked.replies : asked.answered);
            std::vector<byte_view> attachments;
            for (const message& one : what.content.attachments) attachments.push_back(one.bytes());
            to->reply({what.content.arguments, attachments});
            break;
        }
        default: return;
    }
    // What was called may have stopped us.
    if (const auto still = questions_.find(what.head.request_id); still != questions_.end())
        check(still);
}

std::shared_ptr<socketio::adapter> make_redis_adapter(options chosen, log_sink* log) {
    return std::make_shared<redis_adapter>(std::make_shared<link>(std::move(chosen), log));
}

}  // namespace weft::cluster
