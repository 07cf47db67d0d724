// Writes the parts of messages. The order of members is Node's, so that the bytes are those that
// npm's adapters write; readers do not depend on it.
// Invariant: a member that Node leaves out when it is undefined is left out here, too.

#include "cluster/adapter/proto/message_writer.hpp"

#include <weft/base/json_reader.hpp>

#include "socketio/proto/msgpack_json.hpp"
#include "socketio/proto/packet.hpp"

namespace weft::cluster {

void message_writer::member_if(std::string_view name, std::string_view text) {
    if (!text.empty()) json_.member(name, text);
}

void message_writer::names(std::string_view name, const std::vector<std::string>& list) {
    json_.key(name);
    json_.begin_array();
    for (const std::string& one : list) json_.value(one);
    json_.end_array();
}

void message_writer::audience() {
    json_.begin_object();
    names("rooms", content_.to.rooms);
    names("except", content_.to.except);
    json_.end_object();
}

void message_writer::options() {
    json_.begin_object();
    names("rooms", content_.to.rooms);
    names("except", content_.to.except);
    json_.key("flags");
    json_.begin_object();
    if (content_.droppable) json_.member("volatile", true);
    if (content_.uncompressed) json_.member("compress", false);
    if (head_.timeout) json_.member("timeout", *head_.timeout);
    if (head_.expect_single_response) json_.member("expectSingleResponse", true);
    member_if("latest", content_.latest);  // ours; Node reads over it
    json_.end_object();
    json_.end_object();
}

void message_writer::packet(packet_nsp nsp) {
    json_.begin_object();
    json_.member("type", static_cast<unsigned>(socketio::packet_type::event));
    json_.key("data");
    event();
    if (nsp == packet_nsp::told) json_.member("nsp", content_.to.nsp);
    json_.end_object();
}

void message_writer::event() {
    json_.begin_array();
    json_.value(content_.event);
    if (!content_.arguments.empty()) json_.raw(content_.arguments);
    json_.end_array();
}

void message_writer::argument(std::string_view name) {
    json_reader values(content_.arguments);
    std::string_view first;
    if (values.raw(first)) json_.raw_member(name, first);
}

void message_writer::sockets() {
    json_.key("sockets");
    json_.begin_array();
    for (const socket_description& one : head_.sockets) {
        json_.begin_object();
        json_.member("id", one.id);
        if (!one.handshake.empty()) json_.raw_member("handshake", one.handshake);
        names("rooms", one.rooms);
        if (!one.data.empty()) json_.raw_member("data", one.data);
        json_.end_object();
    }
    json_.end_array();
}

errc append_body(std::string& out, body_form form, std::string_view json,
                 const std::vector<message>& attachments) {
    if (form == body_form::json && attachments.empty()) {
        out += json;
        return errc{};
    }
    std::vector<byte_view> bytes;
    bytes.reserve(attachments.size());
    for (const message& one : attachments) bytes.push_back(one.bytes());
    return socketio::append_msgpack(out, json, bytes) ? errc{} : errc::body_too_deep;
}

}  // namespace weft::cluster
