// The classic adapter: which members its bodies have. A body does not tell the namespace, except in
// packets; the channel does. Responses do not tell their type, except some; their members do.
// Invariant: a message for several sockets always names its audience: without one it is refused,
// not taken as meant for all.

#include "cluster/adapter/proto/classic_codec.hpp"

#include <array>
#include <utility>

#include "cluster/adapter/proto/message_reader.hpp"
#include "cluster/adapter/proto/message_writer.hpp"
#include "cluster/adapter/proto/plain_broadcast.hpp"

namespace weft::cluster::classic {
namespace {

using socketio::cluster_message;

/// The numbers of requests, and of the responses that tell one.
enum class number : std::uint8_t {
    sockets,
    all_rooms,
    join,
    leave,
    disconnect,
    fetch,
    server_side_emit,
    broadcast,
    client_count,
    client_ack,
};
constexpr std::uint64_t request_numbers = 8;

/// The members of requests.
struct request_members {
    enum : std::uint8_t {
        uid,
        request_id,
        type,
        opts,
        rooms,
        close,
        data,
        packet,
        sid,
        room,
        count
    };
    static constexpr std::array<std::string_view, count> names{
        "uid", "requestId", "type", "opts", "rooms", "close", "data", "packet", "sid", "room"};
    std::array<json_member, count> found;
};

class request_decoder {
public:
    request_decoder(message_reader& reader, adapter_message& out) noexcept
        : reader_(reader), out_(out) {}

    bool read() {
        std::uint64_t type = 0;
        if (!reader_.members(reader_.body(), members::names, in_.found) ||
            !reader_.number(in_.found[members::type], type) ||
            !reader_.optional_text(in_.found[members::uid], out_.head.uid)) {
            return false;
        }
        if (type >= request_numbers) return reader_.fail(errc::unknown_type);
        switch (static_cast<number>(type)) {
            case number::sockets: return list_sockets();
            case number::all_rooms: return question(message_type::list_rooms);
            case number::join: return change(cluster_message::kind::join);
            case number::leave: return change(cluster_message::kind::leave);
            case number::disconnect: return change(cluster_message::kind::disconnect);
            case number::fetch: return question(message_type::fetch_sockets) && options();
            case number::server_side_emit: return server_side_emit();
            default: return broadcast();
        }
    }

private:
    using members = request_members;

    bool question(message_type type) {
        out_.head.type = type;
        if (!reader_.text(in_.found[members::request_id], out_.head.request_id)) return false;
        return !out_.head.request_id.empty() || reader_.fail(errc::bad_member);
    }
    bool options() { return reader_.options(in_.found[members::opts]); }
    void set(cluster_message::kind what) noexcept {
        out_.content.what = what;
        out_.head.type = type_of(what);
    }

    bool list_sockets() {
        return question(message_type::list_sockets) &&
               reader_.rooms(in_.found[members::rooms], out_.content.to.rooms);
    }

    bool change(cluster_message::kind what) {
        set(what);
        if (!reader_.flag(in_.found[members::close], out_.content.close)) return false;
        if (is_absent(in_.found[members::opts])) return change_of_one();
        return options() && reader_.rooms(in_.found[members::rooms], out_.content.names);
    }

    /// As servers before Socket.IO 4 wrote it.
    bool change_of_one() {
        return question(out_.head.type) &&
               reader_.text(in_.found[members::sid], out_.content.to.rooms.emplace_back()) &&
               (out_.content.what == cluster_message::kind::disconnect ||
                reader_.room(in_.found[members::room], out_.content.names.emplace_back()));
    }

    bool server_side_emit() {
        set(cluster_message::kind::server_side_emit);
        return reader_.optional_text(in_.found[members::request_id], out_.head.request_id) &&
               reader_.event(in_.found[members::data]);
    }

    bool broadcast() {
        const std::string& nsp = out_.content.to.nsp;
        set(cluster_message::kind::broadcast);
        return question(out_.head.type) && options() &&
               reader_.packet(in_.found[members::packet], nsp, nsp);
    }

    message_reader& reader_;
    adapter_message& out_;
    request_members in_;
};

bool read_response(message_reader& reader, adapter_message& out) {
    enum : std::uint8_t { request_id, type, sockets, rooms, data, client_count, packet, count };
    static constexpr std::array<std::string_view, count> names{
        "requestId", "type", "sockets", "rooms", "data", "clientCount", "packet"};
    std::array<json_member, count> found;
    std::uint64_t told = 0;
    message_head& head = out.head;
    if (!reader.members(reader.body(), names, found) ||
        !reader.text(found[request_id], head.request_id) ||
        (!is_absent(found[type]) && !reader.number(found[type], told))) {
        return false;
    }
    if (told == static_cast<std::uint64_t>(number::server_side_emit)) {
        head.type = message_type::server_side_answer;
        return reader.argument(found[data]);
    }
    if (told == static_cast<std::uint64_t>(number::client_count)) {
        head.type = message_type::client_count;
        return reader.number(found[client_count], head.count);
    }
    if (told == static_cast<std::uint64_t>(number::client_ack)) {
        head.type = message_type::client_ack;
        return reader.argument(found[packet]);
    }
    if (!is_absent(found[sockets])) return reader.sockets(found[sockets]);
    head.type = is_absent(found[rooms]) ? message_type::done : message_type::rooms;
    return reader.names(found[rooms], out.content.names);
}

/// The members that most requests begin with.
void begin_request(message_writer& out, const message_head& head, number type) {
    out.json().begin_object();
    out.member_if("uid", head.uid);
    out.member_if("requestId", head.request_id);
    out.json().member("type", static_cast<unsigned>(type));
}

/// The members that some responses begin with.
void begin_response(message_writer& out, const message_head& head, number type) {
    out.json().begin_object();
    out.json().member("type", static_cast<unsigned>(type));
    out.json().member("requestId", head.request_id);
}

void write_change(message_writer& out, const message_head& head, number type,
                  const cluster_message& content) {
    begin_request(out, head, type);
    out.json().key("opts");
    out.audience();
    if (type == number::disconnect) {
        out.json().member("close", content.close);
    } else {
        out.names("rooms", content.names);
    }
}

bool write_request(message_writer& out, const message_head& head, const cluster_message& content) {
    switch (head.type) {
        case message_type::broadcast:
            if (head.request_id.empty()) return false;
            begin_request(out, head, number::broadcast);
            out.json().key("packet");
            out.packet(message_writer::packet_nsp::told);
            out.json().key("opts");
            out.options();
            break;
        case message_type::join: write_change(out, head, number::join, content); break;
        case message_type::leave: write_change(out, head, number::leave, content); break;
        case message_type::disconnect: write_change(out, head, number::disconnect, content); break;
        case message_type::server_side_emit:
            begin_request(out, head, number::server_side_emit);
            out.json().key("data");
            out.event();
            break;
        case message_type::fetch_sockets:
            begin_request(out, head, number::fetch);
            out.json().key("opts");
            out.audience();
            break;
        case message_type::list_sockets:
            begin_request(out, head, number::sockets);
            out.names("rooms", content.to.rooms);
            break;
        case message_type::list_rooms: begin_request(out, head, number::all_rooms); break;
        default: return false;
    }
    out.json().end_object();
    return true;
}

bool write_response(message_writer& out, const message_head& head, const cluster_message& content) {
    switch (head.type) {
        case message_type::server_side_answer:
            begin_response(out, head, number::server_side_emit);
            out.argument("data");
            break;
        case message_type::client_count:
            begin_response(out, head, number::client_count);
            out.json().member("clientCount", head.count);
            break;
        case message_type::client_ack:
            begin_response(out, head, number::client_ack);
            out.argument("packet");
            break;
        case message_type::sockets:
        case message_type::socket_ids:
        case message_type::rooms:
        case message_type::done:
            out.json().begin_object();
            out.json().member("requestId", head.request_id);
            if (head.type == message_type::sockets) out.sockets();
            if (head.type == message_type::socket_ids) out.names("sockets", content.names);
            if (head.type == message_type::rooms) out.names("rooms", content.names);
            break;
        default: return false;
    }
    out.json().end_object();
    return true;
}

/// What Node writes as msgpack whatever it holds.
body_form form_of(message_type type) noexcept {
    const bool binary = type == message_type::broadcast || type == message_type::client_ack;
    return binary ? body_form::msgpack : body_form::json;
}

}  // namespace

errc decode_broadcast(byte_view body, std::string_view nsp, const message_limits& limits,
                      adapter_message& out) {
    return read_plain_broadcast(body, nsp, limits, out)
               ? errc{}
               : decode_any_broadcast(body, nsp, limits, out);
}

errc decode_any_broadcast(byte_view body, std::string_view nsp, const message_limits& limits,
                          adapter_message& out) {
    message_reader reader(limits, out);
    out.head.type = message_type::broadcast;
    out.content.to.nsp = nsp;
    std::array<std::string_view, 3> parts;
    const auto& [uid, packet, opts] = parts;
    if (reader.open_msgpack(body, binary_values::attachments) &&
        reader.elements(reader.body(), parts) && reader.optional_text(uid, out.head.uid) &&
        reader.options(opts)) {
        reader.packet(packet, nsp, "/");
    }
    return reader.finish();
}

errc decode_request(byte_view body, std::string_view nsp, const message_limits& limits,
                    adapter_message& out) {
    message_reader reader(limits, out);
    out.content.to.nsp = nsp;
    if (reader.open(body, binary_values::attachments)) request_decoder(reader, out).read();
    return reader.finish();
}

errc decode_response(byte_view body, std::string_view nsp, const message_limits& limits,
                     adapter_message& out) {
    message_reader reader(limits, out);
    out.content.to.nsp = nsp;
    const bool sockets = !is_json(body) && find_member(body, "sockets");
    if (reader.open(body, sockets ? binary_values::base64 : binary_values::attachments)) {
        read_response(reader, out);
    }
    return reader.finish();
}

errc append_broadcast(std::string& out, const message_head& head, const cluster_message& content) {
    if (head.type != message_type::broadcast) return errc::unknown_type;
    std::string text;
    message_writer writer(text, head, content);
    writer.json().begin_array();
    writer.json().value(head.uid);
    writer.packet(message_writer::packet_nsp::told);
    writer.options();
    writer.json().end_array();
    return append_body(out, body_form::msgpack, text, content.attachments);
}

errc append_request(std::string& out, const message_head& head, const cluster_message& content) {
    std::string text;
    message_writer writer(text, head, content);
    if (!write_request(writer, head, content)) return errc::unknown_type;
    return append_body(out, form_of(head.type), text, content.attachments);
}

errc append_response(std::string& out, const message_head& head, const cluster_message& content) {
    std::string text;
    message_writer writer(text, head, content);
    if (!write_response(writer, head, content)) return errc::unknown_type;
    return append_body(out, form_of(head.type), text, content.attachments);
}

}  // namespace weft::cluster::classic
