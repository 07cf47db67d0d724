// Text packets. What the parser accepts must be valid in the eyes of slower code that shares
// nothing with it but the JSON reader, must survive being written and parsed again, and being
// translated to msgpack and back. The assembler gets the input as messages: text up to 0x1e, then
// attachments. First byte: protocol version and limits.

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include <weft/base/json_reader.hpp>
#include <weft/base/utf8.hpp>

#include "socketio/proto/msgpack_packet.hpp"
#include "socketio/proto/packet.hpp"
#include "socketio/proto/packet_assembler.hpp"

namespace {

using namespace weft;
using namespace weft::socketio;

void require(bool holds) {
    if (!holds) std::abort();
}

bool inside(std::string_view part, std::string_view whole) {
    return part.empty() || (part.data() >= whole.data() &&
                            part.data() + part.size() <= whole.data() + whole.size());
}

/// What JavaScript would take for placeholders, by recursion; what their `num` is, or -1.
void collect_placeholders(json_reader& json, std::vector<long>& out) {
    std::string scratch;
    std::string_view key;
    if (json.peek() == json_kind::array) {
        require(json.begin_array());
        while (json.next_element()) collect_placeholders(json, out);
    } else if (json.peek() == json_kind::object) {
        bool is_placeholder = false;
        long num = -1;
        require(json.begin_object());
        while (json.next_key(key, scratch)) {
            const std::string name(key);
            const json_kind kind = json.peek();
            json_reader ahead = json;
            if (name == "_placeholder") {
                bool truth = false;
                is_placeholder = kind == json_kind::boolean && ahead.read(truth) && truth;
            } else if (name == "num" && (kind != json_kind::number || !ahead.read(num))) {
                num = -1;
            }
            collect_placeholders(json, out);
        }
        if (is_placeholder) out.push_back(num);
    } else {
        require(json.skip());
    }
    require(json.ok());
}

void check_data(const packet_view& packet) {
    std::vector<long> placeholders;
    if (!packet.data.empty()) {
        json_reader json(packet.data);
        collect_placeholders(json, placeholders);
        require(json.finish());
    }
    require(placeholders.size() == packet.attachments);
    std::vector<bool> named(packet.attachments);
    for (const long num : placeholders) {
        require(num >= 0 && static_cast<std::size_t>(num) < named.size());
        require(!named[static_cast<std::size_t>(num)]);
        named[static_cast<std::size_t>(num)] = true;
    }
}

bool is_event(const packet_view& packet) {
    return packet.type == packet_type::event || packet.type == packet_type::binary_event;
}

/// The packet in canonical form; empty when it has an event name that is no string, no id to
/// acknowledge, or nothing in it.
std::string rewrite(const packet_view& packet) {
    std::string out;
    switch (packet.type) {
        case packet_type::connect: append_connect(out, packet.nsp, packet.data); break;
        case packet_type::disconnect: append_disconnect(out, packet.nsp); break;
        case packet_type::connect_error: append_connect_error(out, packet.nsp, packet.data); break;
        case packet_type::event:
        case packet_type::binary_event: {
            std::string name;
            json_reader json(packet.event);
            if (json.peek() != json_kind::string || !json.read(name)) break;
            append_event(out, packet.nsp, packet.id, name, packet.arguments, packet.attachments);
            break;
        }
        case packet_type::ack:
        case packet_type::binary_ack:
            if (!packet.id || packet.data.empty()) break;
            append_ack(out, packet.nsp, *packet.id, packet.arguments, packet.attachments);
            break;
    }
    return out;
}

void require_same(const packet_view& a, const packet_view& b) {
    require(a.type == b.type && a.nsp == b.nsp && a.id == b.id && a.attachments == b.attachments);
    require(a.event.empty() == b.event.empty());
    require(a.arguments.empty() == b.arguments.empty());
}

void through_msgpack(const packet_view& packet) {
    // 1e400 is no number there, and there are no events without a payload.
    if (is_event(packet) && !packet.event.starts_with('"')) return;
    const bool may_be_empty =
        packet.type == packet_type::connect || packet.type == packet_type::disconnect;
    if (packet.data.empty() && !may_be_empty) return;
    const std::vector<byte_view> attachments(packet.attachments, as_bytes("bytes"));
    std::string message;
    append_msgpack_packet(message, packet, attachments);
    std::string text;
    std::vector<byte_view> back;
    packet_limits limits;
    limits.max_attachments = 64;
    limits.max_namespace_length = SIZE_MAX;
    require(msgpack_to_text(as_bytes(message), limits, text, back) == socketio::errc{});
    require(back.size() == attachments.size());
    const packet_result again = parse_packet(text, limits, protocol_version::v4);
    require(static_cast<bool>(again));
    require_same(packet, again.packet);
}

void parse(std::string_view text, const packet_limits& limits, protocol_version version) {
    const packet_result result = parse_packet(text, limits, version);
    if (!result) return;
    const packet_view& packet = result.packet;
    require(validate_utf8(as_bytes(text)));
    require(packet.nsp.starts_with('/') && packet.nsp.size() <= limits.max_namespace_length);
    require(packet.attachments <= limits.max_attachments);
    require(inside(packet.data, text) && inside(packet.event, packet.data));
    require(inside(packet.arguments, packet.data) && inside(packet.query, text));
    check_data(packet);
    const std::string again = rewrite(packet);
    if (!again.empty()) {
        const packet_result second = parse_packet(again, limits, version);
        require(static_cast<bool>(second));
        require_same(packet, second.packet);
        require(second.packet.arguments == packet.arguments);
    }
    through_msgpack(packet);
}

void assemble(std::string_view input, const packet_limits& limits, protocol_version version) {
    byte_budget memory;
    packet_assembler assembler(limits, version, memory);
    std::size_t fed = 0;
    while (!input.empty()) {
        const std::string message(input.substr(0, input.find('\x1e')));
        input.remove_prefix(std::min(message.size() + 1, input.size()));
        fed += message.size();
        const packet_event event =
            assembler.incomplete() ? assembler.binary(as_bytes(message)) : assembler.text(message);
        require(assembler.held() <= 4 * fed + 8192);
        require(assembler.incomplete() == (event == packet_event::need_more));
        if (event == packet_event::failed) {
            require(assembler.error() != socketio::errc{});
            return;
        }
        if (event != packet_event::packet) continue;
        std::size_t size = 0;
        for (const byte_view attachment : assembler.attachments()) size += attachment.size();
        require(size <= limits.max_packet);
        require(assembler.attachments().size() == assembler.packet().attachments);
        check_data(assembler.packet());
        fed = 0;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const auto version = (data[0] & 1) != 0 ? protocol_version::v3 : protocol_version::v4;
    packet_limits limits;
    if ((data[0] & 2) != 0) limits.max_attachments = 64;
    if ((data[0] & 4) != 0) limits.max_namespace_length = 8;
    if ((data[0] & 8) != 0) limits.max_packet = 100;
    const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
    parse(input, limits, version);
    assemble(input, limits, version);
    return 0;
}
