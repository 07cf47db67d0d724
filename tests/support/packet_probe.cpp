// Says what Weft's Socket.IO parser makes of packets, for comparison with those of npm. Each line
// of standard input is one case, and gives one line of JSON. Bytes are in hex.
//
//   text MESSAGE...      a session's messages: t<hex> for text, b<hex> for binary; the answer is
//   about
//                        the last one, with its data as a string
//   msgpack HEX          the same for one message
//   encode HEX [HEX...]  a text packet and its attachments; the answer is their msgpack form

#include <cstdio>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

#include <weft/base/json_writer.hpp>

#include "socketio/proto/msgpack_packet.hpp"
#include "socketio/proto/packet_assembler.hpp"

namespace {

using namespace weft;
using namespace weft::socketio;
using weft::socketio::errc;

std::string unhex(std::string_view hex) {
    std::string out;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
        out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
    }
    return out;
}

std::string hex(std::string_view bytes) {
    std::string out;
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        out += "0123456789abcdef"[byte >> 4];
        out += "0123456789abcdef"[byte & 15];
    }
    return out;
}

void write_packet(json_writer& json, const packet_view& packet,
                  std::span<const byte_view> attachments) {
    int type = static_cast<int>(packet.type);
    if (type > 4) type -= 3;
    json.member("type", type);
    json.member("nsp", packet.nsp);
    if (packet.id) json.member("id", *packet.id);
    if (!packet.data.empty()) json.member("data", packet.data);
    json.key("attachments");
    json.begin_array();
    for (const byte_view bytes : attachments) json.value(std::string_view(hex(as_text(bytes))));
    json.end_array();
}

std::string refused(errc why) {
    std::string out;
    json_writer json(out);
    json.begin_object();
    json.member("error", describe(why).text);
    json.end_object();
    return out;
}

std::string taken(const packet_view& packet, std::span<const byte_view> attachments) {
    std::string out;
    json_writer json(out);
    json.begin_object();
    write_packet(json, packet, attachments);
    json.end_object();
    return out;
}

/// Feeds messages until one fails; tells of the last.
std::string assemble(std::istream& messages) {
    const packet_limits limits;
    byte_budget memory;
    packet_assembler assembler(limits, protocol_version::v4, memory);
    packet_event last = packet_event::need_more;
    std::string word;
    std::string message;
    while (last != packet_event::failed && messages >> word) {
        message = unhex(std::string_view(word).substr(1));
        last = word[0] == 't' ? assembler.text(message) : assembler.binary(as_bytes(message));
    }
    if (last == packet_event::failed) return refused(assembler.error());
    if (last == packet_event::need_more) return "{}";
    return taken(assembler.packet(), assembler.attachments());
}

std::string translate(std::istream& in) {
    std::string word;
    in >> word;
    const std::string message = unhex(word);
    std::string text;
    std::vector<byte_view> attachments;
    const errc wrong = msgpack_to_text(as_bytes(message), {}, text, attachments);
    if (wrong != errc{}) return refused(wrong);
    const packet_result parsed = parse_packet(text, {}, protocol_version::v4);
    return parsed ? taken(parsed.packet, attachments) : refused(parsed.error);
}

std::string encode(std::istream& parts) {
    std::string word;
    parts >> word;
    const std::string text = unhex(word);
    std::vector<std::string> attachments;
    while (parts >> word) attachments.push_back(unhex(word));
    std::vector<byte_view> views;
    for (const std::string& bytes : attachments) views.push_back(as_bytes(bytes));
    std::string message;
    if (const packet_result parsed = parse_packet(text, {}, protocol_version::v4)) {
        append_msgpack_packet(message, parsed.packet, views);
    }
    return "{\"bytes\":\"" + hex(message) + "\"}";
}

}  // namespace

int main() {
    std::string line;
    while (std::getline(std::cin, line)) {
        std::istringstream words(line);
        std::string command;
        words >> command;
        const std::string answer = command == "text"      ? assemble(words)
                                   : command == "msgpack" ? translate(words)
                                                          : encode(words);
        std::puts(answer.c_str());
    }
    return 0;
}
