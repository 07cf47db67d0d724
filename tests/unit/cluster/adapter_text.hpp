#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cluster/adapter/proto/message.hpp"

/// What tests of the codecs share: bytes as hexadecimal digits, messages as texts.
namespace weft::cluster {

inline std::string unhex(std::string_view digits) {
    std::string out;
    unsigned value = 0;
    bool half = false;
    for (const char c : digits) {
        if (c == ' ') continue;
        value = value << 4 | static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10);
        if (half) out += static_cast<char>(value);
        half = !half;
    }
    return out;
}

inline std::string hex(std::string_view bytes) {
    std::string out;
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        out += "0123456789abcdef"[byte >> 4];
        out += "0123456789abcdef"[byte & 15];
    }
    return out;
}

inline std::string_view name_of(message_type type) {
    constexpr std::string_view names[] = {
        "broadcast",        "join",          "leave",        "disconnect",
        "server_side_emit", "fetch_sockets", "list_sockets", "list_rooms",
        "sockets",          "socket_ids",    "rooms",        "server_side_answer",
        "client_count",     "client_ack",    "done",         "initial_heartbeat",
        "heartbeat",        "adapter_close"};
    return names[static_cast<std::size_t>(type)];
}

inline std::string list(const std::vector<std::string>& names) {
    std::string out;
    for (const std::string& one : names) out += (out.empty() ? "" : ",") + one;
    return '[' + out + ']';
}

/// All of a message that is not as by default.
inline std::string describe(const adapter_message& m) {
    const auto& [head, content] = m;
    std::string out(name_of(head.type));
    const auto add = [&out](std::string_view name, std::string_view value) {
        if (!value.empty() && value != "[]") out.append(" ").append(name).append("=").append(value);
    };
    add("uid", head.uid);
    add("id", head.request_id);
    add("nsp", content.to.nsp);
    add("rooms", list(content.to.rooms));
    add("except", list(content.to.except));
    add("names", list(content.names));
    add("event", content.event);
    add("args", content.arguments);
    for (const message& one : content.attachments) out += " <" + hex(one.text()) + ">";
    if (content.droppable) out += " volatile";
    if (content.uncompressed) out += " uncompressed";
    add("latest", content.latest);
    if (content.close) out += " close";
    if (head.timeout) add("timeout", std::to_string(*head.timeout));
    if (head.expect_single_response) out += " single";
    if (head.count != 0) add("count", std::to_string(head.count));
    for (const socket_description& one : head.sockets) {
        out += " {" + one.id + " " + one.handshake + " " + list(one.rooms) + " " + one.data + "}";
    }
    if (type_of(content.what) != head.type && content.what != socketio::cluster_message::kind{}) {
        out += " WRONG KIND";
    }
    return out;
}

}  // namespace weft::cluster
