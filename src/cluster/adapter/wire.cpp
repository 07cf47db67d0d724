// What the kinds of adapters say over pub/sub.
//
// The classic one of Node listens to the pattern of all rooms and so gets what it throws away. We
// listen to the rooms that we have. Each socket's id is a room, too: for those one pattern stands,
// of as many characters as an id has.

#include "cluster/adapter/wire.hpp"

#include <cstddef>
#include <utility>

#include "cluster/adapter/proto/channels.hpp"
#include "cluster/adapter/proto/classic_codec.hpp"
#include "cluster/adapter/proto/cluster_codec.hpp"

namespace weft::cluster {
namespace {

constexpr std::size_t id_length = 20;  // of a socket

bool is_answer(message_type type) noexcept {
    return type >= message_type::sockets && type <= message_type::done;
}

/// The length that JavaScript sees.
std::size_t utf16_length(std::string_view text) noexcept {
    std::size_t units = 0;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if ((byte & 0xC0U) != 0x80U) units += byte >= 0xF0U ? 2 : 1;
    }
    return units;
}

class classic_wire final : public wire {
public:
    explicit classic_wire(std::string prefix) : prefix_(std::move(prefix)) {}

    std::vector<subscription> subscriptions(std::string_view nsp,
                                            std::string_view uid) const override {
        using redis::channel_kind;
        return {
            {channel_kind::plain, broadcast_channel(prefix_, nsp), channel_role::broadcasts},
            {channel_kind::pattern, id_pattern(prefix_, nsp), channel_role::broadcasts},
            {channel_kind::plain, request_channel(prefix_, nsp), channel_role::requests},
            {channel_kind::plain, response_channel(prefix_, nsp), channel_role::responses},
            {channel_kind::plain, response_channel(prefix_, nsp, uid), channel_role::responses},
        };
    }
    std::vector<subscription> subscriptions_of_room(std::string_view nsp,
                                                    std::string_view room) const override {
        if (!listens_to_room(room)) return {};
        return {{redis::channel_kind::plain, target_channel(prefix_, nsp, room),
                 channel_role::broadcasts}};
    }
    bool listens_to_room(std::string_view room) const noexcept override {
        return room.size() != id_length;
    }
    count_command nodes_of(std::string_view nsp) const override {
        return {"NUMSUB", request_channel(prefix_, nsp)};
    }
    address address_of(const message_head& head, const socketio::cluster_message& content,
                       std::string_view) const override {
        const std::string& nsp = content.to.nsp;
        std::string channel;
        if (is_answer(head.type)) {
            // All read it; the one of the receiver alone older versions do not.
            channel = response_channel(prefix_, nsp);
        } else if (head.type != message_type::broadcast || !head.request_id.empty()) {
            channel = request_channel(prefix_, nsp);
        } else if (content.to.rooms.size() == 1) {
            channel = target_channel(prefix_, nsp, content.to.rooms.front());
        } else {
            channel = broadcast_channel(prefix_, nsp);
        }
        return {redis::channel_kind::plain, std::move(channel)};
    }
    errc append(std::string& out, const message_head& head,
                const socketio::cluster_message& content) const override {
        if (is_answer(head.type)) return classic::append_response(out, head, content);
        if (head.type == message_type::broadcast && head.request_id.empty())
            return classic::append_broadcast(out, head, content);
        return classic::append_request(out, head, content);
    }
    errc decode(channel_role role, std::string_view nsp, byte_view body,
                adapter_message& out) const override {
        switch (role) {
            case channel_role::broadcasts: return classic::decode_broadcast(body, nsp, {}, out);
            case channel_role::requests: return classic::decode_request(body, nsp, {}, out);
            default: return classic::decode_response(body, nsp, {}, out);
        }
    }

private:
    const std::string prefix_;
};

/// What the sharded and the streams adapter have in common: one channel for all nodes, one for
/// each, and one form of messages on both.
class cluster_wire : public wire {
public:
    std::vector<subscription> subscriptions(std::string_view nsp,
                                            std::string_view uid) const override {
        return {{kind_, broadcast_channel(prefix_, nsp), channel_role::requests},
                {kind_, target_channel(prefix_, nsp, uid), channel_role::responses}};
    }
    count_command nodes_of(std::string_view nsp) const override {
        return {kind_ == redis::channel_kind::shard ? "SHARDNUMSUB" : "NUMSUB",
                broadcast_channel(prefix_, nsp)};
    }
    address address_of(const message_head& head, const socketio::cluster_message& content,
                       std::string_view receiver) const override {
        const std::string& nsp = content.to.nsp;
        return {kind_, is_answer(head.type) ? target_channel(prefix_, nsp, receiver)
                                            : broadcast_channel(prefix_, nsp)};
    }
    errc append(std::string& out, const message_head& head,
                const socketio::cluster_message& content) const override {
        return append_message(out, head, content, form_);
    }
    errc decode(channel_role, std::string_view nsp, byte_view body,
                adapter_message& out) const override {
        const errc why = decode_message(body, {}, out);
        return why == errc{} && out.content.to.nsp != nsp ? errc::other_namespace : why;
    }

protected:
    cluster_wire(std::string prefix, redis::channel_kind kind, body_form form)
        : prefix_(std::move(prefix)), kind_(kind), form_(form) {}

    const std::string prefix_;
    const redis::channel_kind kind_;

private:
    const body_form form_;
};

class sharded_wire final : public cluster_wire {
public:
    explicit sharded_wire(std::string prefix)
        : cluster_wire(std::move(prefix), redis::channel_kind::shard, body_form::json) {}

    std::vector<subscription> subscriptions_of_room(std::string_view nsp,
                                                    std::string_view room) const override {
        if (!listens_to_room(room)) return {};
        return {{kind_, target_channel(prefix_, nsp, room), channel_role::broadcasts}};
    }
    bool listens_to_room(std::string_view room) const noexcept override {
        return utf16_length(room) != id_length;
    }
    address address_of(const message_head& head, const socketio::cluster_message& content,
                       std::string_view receiver) const override {
        const auto& rooms = content.to.rooms;
        if (head.type == message_type::broadcast && head.request_id.empty() && rooms.size() == 1 &&
            listens_to_room(rooms.front()))
            return {kind_, target_channel(prefix_, content.to.nsp, rooms.front())};
        return cluster_wire::address_of(head, content, receiver);
    }
};

/// What the streams adapter says beside its stream: questions and their answers.
class streams_wire final : public cluster_wire {
public:
    explicit streams_wire(std::string prefix)
        : cluster_wire(std::move(prefix), redis::channel_kind::plain, body_form::msgpack) {}

    std::vector<subscription> subscriptions_of_room(std::string_view,
                                                    std::string_view) const override {
        return {};
    }
    bool listens_to_room(std::string_view) const noexcept override { return false; }
};

}  // namespace

std::unique_ptr<wire> make_wire(adapter_kind kind, std::string prefix) {
    if (kind == adapter_kind::streams) return std::make_unique<streams_wire>(std::move(prefix));
    if (kind == adapter_kind::sharded) return std::make_unique<sharded_wire>(std::move(prefix));
    return std::make_unique<classic_wire>(std::move(prefix));
}

}  // namespace weft::cluster
