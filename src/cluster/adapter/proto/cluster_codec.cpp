// The messages that the newer adapters share: an envelope of uid, nsp, type and data. In pub/sub
// the envelope is an object; in a stream its members are the fields of an entry, and only the data
// is JSON or msgpack. Invariant: both ways to carry a message share the code for its data, so they
// accept the same.

#include "cluster/adapter/proto/cluster_codec.hpp"

#include <array>
#include <charconv>
#include <utility>

#include <weft/base/base64.hpp>
#include <weft/base/utf8.hpp>

#include "cluster/adapter/proto/message_reader.hpp"
#include "cluster/adapter/proto/message_writer.hpp"

namespace weft::cluster {
namespace {

using socketio::cluster_message;

/// The types by their numbers, which begin with 1.
constexpr std::array types{
    message_type::initial_heartbeat,
    message_type::heartbeat,
    message_type::broadcast,
    message_type::join,
    message_type::leave,
    message_type::disconnect,
    message_type::fetch_sockets,
    message_type::sockets,
    message_type::server_side_emit,
    message_type::server_side_answer,
    message_type::client_count,
    message_type::client_ack,
    message_type::adapter_close,
};
constexpr std::uint64_t sockets_number = 8;
static_assert(types[sockets_number - 1] == message_type::sockets);

/// 0 if the type does not exist here.
unsigned number_of(message_type type) noexcept {
    for (std::size_t i = 0; i < types.size(); ++i) {
        if (types[i] == type) return static_cast<unsigned>(i + 1);
    }
    return 0;
}

bool set_type(message_reader& reader, std::uint64_t number, adapter_message& out) noexcept {
    if (number == 0 || number > types.size()) return reader.fail(errc::unknown_type);
    out.head.type = types[number - 1];
    if (out.head.type <= message_type::server_side_emit) {
        out.content.what = static_cast<cluster_message::kind>(out.head.type);
    }
    return true;
}

bool has_data(message_type type) noexcept {
    return type < message_type::initial_heartbeat;
}

bool read_data(message_reader& reader, json_member data, adapter_message& out) {
    enum : std::uint8_t { request_id, packet, opts, rooms, close, sockets, client_count, count };
    static constexpr std::array<std::string_view, count> names{
        "requestId", "packet", "opts", "rooms", "close", "sockets", "clientCount"};
    message_head& head = out.head;
    if (!has_data(head.type)) return true;
    std::array<json_member, count> found;
    if (!reader.members(data, names, found)) return false;
    const bool optional =
        head.type == message_type::broadcast || head.type == message_type::server_side_emit;
    const bool untold = head.type == message_type::join || head.type == message_type::leave ||
                        head.type == message_type::disconnect;
    if (!untold && !(optional ? reader.optional_text(found[request_id], head.request_id)
                              : reader.text(found[request_id], head.request_id))) {
        return false;
    }
    switch (head.type) {
        case message_type::broadcast:
            return reader.options(found[opts]) &&
                   reader.packet(found[packet], out.content.to.nsp, out.content.to.nsp);
        case message_type::join:
        case message_type::leave:
            return reader.options(found[opts]) && reader.rooms(found[rooms], out.content.names);
        case message_type::disconnect:
            return reader.options(found[opts]) && reader.flag(found[close], out.content.close);
        case message_type::fetch_sockets: return reader.options(found[opts]);
        case message_type::sockets:
            return reader.sockets(found[sockets]) &&
                   (head.type == message_type::sockets || reader.fail(errc::bad_member));
        case message_type::server_side_emit: return reader.event(found[packet]);
        case message_type::client_count: return reader.number(found[client_count], head.count);
        default: return reader.argument(found[packet]);
    }
}

bool read_message(message_reader& reader, adapter_message& out) {
    enum : std::uint8_t { uid, nsp, type, data, count };
    static constexpr std::array<std::string_view, count> names{"uid", "nsp", "type", "data"};
    std::array<json_member, count> found;
    std::uint64_t number = 0;
    return reader.members(reader.body(), names, found) && reader.number(found[type], number) &&
           set_type(reader, number, out) && reader.text(found[uid], out.head.uid) &&
           reader.text(found[nsp], out.content.to.nsp) && read_data(reader, found[data], out);
}

/// The data of a message as an object.
void write_data(message_writer& out, const message_head& head, const cluster_message& content) {
    out.json().begin_object();
    switch (head.type) {
        case message_type::broadcast:
            out.json().key("packet");
            out.packet(message_writer::packet_nsp::untold);
            out.member_if("requestId", head.request_id);
            out.json().key("opts");
            out.options();
            break;
        case message_type::join:
        case message_type::leave:
            out.json().key("opts");
            out.options();
            out.names("rooms", content.names);
            break;
        case message_type::disconnect:
            out.json().key("opts");
            out.options();
            out.json().member("close", content.close);
            break;
        case message_type::fetch_sockets:
            out.json().key("opts");
            out.options();
            out.json().member("requestId", head.request_id);
            break;
        case message_type::server_side_emit:
            out.member_if("requestId", head.request_id);
            out.json().key("packet");
            out.event();
            break;
        default:
            out.json().member("requestId", head.request_id);
            if (head.type == message_type::sockets) out.sockets();
            if (head.type == message_type::client_count)
                out.json().member("clientCount", head.count);
            out.argument("packet");
    }
    out.json().end_object();
}

errc decode_base64(std::string_view text, std::string& out) {
    out.resize(text.size() / 4 * 3);
    const auto size = base64_decode(text, std::as_writable_bytes(std::span(out)));
    if (!size) return errc::malformed_body;
    out.resize(*size);
    return errc{};
}

void append_base64(std::string& out, std::string_view bytes) {
    const std::size_t before = out.size();
    out.resize(before + base64_size(bytes.size()));
    base64_encode(as_bytes(bytes), std::span(out).subspan(before));
}

}  // namespace

errc decode_message(byte_view body, const message_limits& limits, adapter_message& out) {
    message_reader reader(limits, out);
    binary_values binary = binary_values::attachments;
    if (!is_json(body)) {
        const auto type = find_member(body, "type");
        if (type && type->number == sockets_number) binary = binary_values::base64;
    }
    if (reader.open(body, binary)) read_message(reader, out);
    return reader.finish();
}

errc append_message(std::string& out, const message_head& head, const cluster_message& content,
                    body_form form) {
    const unsigned number = number_of(head.type);
    if (number == 0) return errc::unknown_type;
    std::string text;
    message_writer writer(text, head, content);
    json_writer& json = writer.json();
    json.begin_object();
    json.member("type", number);
    if (has_data(head.type)) {
        json.key("data");
        write_data(writer, head, content);
    }
    json.member("uid", head.uid);
    json.member("nsp", content.to.nsp);
    json.end_object();
    return append_body(out, form, text, content.attachments);
}

errc decode_entry(const stream_entry_view& entry, const message_limits& limits,
                  adapter_message& out) {
    message_reader reader(limits, out);
    const char* const end = entry.type.data() + entry.type.size();
    std::uint64_t number = 0;
    const auto [rest, failed] = std::from_chars(entry.type.data(), end, number);
    if (failed != std::errc{} || rest != end) return errc::bad_member;
    if (!validate_utf8(as_bytes(entry.uid)) || !validate_utf8(as_bytes(entry.nsp))) {
        return errc::invalid_utf8;
    }
    if (!set_type(reader, number, out)) return errc::unknown_type;
    out.head.uid = entry.uid;
    out.content.to.nsp = entry.nsp;
    if (!has_data(out.head.type)) return reader.finish();
    const bool base64 = number == sockets_number;
    std::string bytes;
    if (entry.data.starts_with('{')) {
        reader.open_json(entry.data);
    } else if (const errc bad = decode_base64(entry.data, bytes); bad != errc{}) {
        return bad;
    } else {
        reader.open_msgpack(as_bytes(bytes),
                            base64 ? binary_values::base64 : binary_values::attachments);
    }
    read_data(reader, reader.body(), out);
    return reader.finish();
}

errc make_entry(stream_entry& out, const message_head& head, const cluster_message& content) {
    out = {};
    const unsigned number = number_of(head.type);
    if (number == 0) return errc::unknown_type;
    out.uid = head.uid;
    out.nsp = content.to.nsp;
    out.type = std::to_string(number);
    if (!has_data(head.type)) return errc{};
    std::string text;
    message_writer writer(text, head, content);
    write_data(writer, head, content);
    if (content.attachments.empty()) {
        out.data = std::move(text);
        return errc{};
    }
    std::string bytes;
    const errc failed = append_body(bytes, body_form::msgpack, text, content.attachments);
    append_base64(out.data, bytes);
    return failed;
}

errc decode_session(std::string_view value, const message_limits& limits, session_record& out) {
    enum : std::uint8_t { sid, pid, rooms, data, nsp, since, last, left, server, returns, count };
    static constexpr std::array<std::string_view, count> names{
        "sid", "pid", "rooms", "data", "nsp", "since", "last", "left", "server", "returns"};
    adapter_message unused;
    message_reader reader(limits, unused);
    out = {};
    std::string bytes;
    if (const errc bad = decode_base64(value, bytes); bad != errc{}) return bad;
    std::array<json_member, count> found;
    if (reader.open_msgpack(as_bytes(bytes), binary_values::base64) &&
        reader.members(reader.body(), names, found) && reader.text(found[sid], out.sid) &&
        reader.text(found[pid], out.pid) && reader.rooms(found[rooms], out.rooms) &&
        reader.optional_text(found[nsp], out.nsp) &&
        reader.optional_text(found[since], out.since) &&
        reader.optional_text(found[last], out.last) &&
        reader.optional_text(found[left], out.left) &&
        reader.optional_text(found[server], out.server) &&
        reader.optional_text(found[returns], out.returns)) {
        out.data.assign(found[data]);
    }
    return reader.finish();
}

errc append_session(std::string& out, const session_record& session) {
    std::string text;
    json_writer json(text);
    json.begin_object();
    json.member("sid", session.sid);
    json.member("pid", session.pid);
    json.key("rooms");
    json.begin_array();
    for (const std::string& room : session.rooms) json.value(room);
    json.end_array();
    if (!session.data.empty()) json.raw_member("data", session.data);
    const auto add = [&](std::string_view name, const std::string& value) {
        if (!value.empty()) json.member(name, value);
    };
    add("nsp", session.nsp);
    add("since", session.since);
    add("last", session.last);
    add("left", session.left);
    add("server", session.server);
    add("returns", session.returns);
    json.end_object();
    std::string bytes;
    const errc failed = append_body(bytes, body_form::msgpack, text, {});
    if (failed == errc{}) append_base64(out, bytes);
    return failed;
}

}  // namespace weft::cluster
