// Events as Engine.IO packets: a text with the type digit of a message, `4`, in front, and one
// binary packet for each attachment; with the msgpack parser one binary packet in all.

#include "socketio/packet_writer.hpp"

#include <string>
#include <utility>

#include <weft/base/json_writer.hpp>

#include "socketio/loop_context.hpp"
#include "socketio/proto/msgpack_packet.hpp"

namespace weft::socketio::detail {

message_options delivery_of(const emit_flags& flags, std::string_view nsp, std::string& key) {
    if (!flags.latest.empty()) {
        key = nsp;
        key += ',';  // which is in no namespace's name
        key += flags.latest;
    }
    return {.key = key,
            .droppable = flags.droppable,
            .uncompressed = flags.uncompressed,
            .latest = !key.empty()};
}

written_packet write_event(loop_context& context, const space_info& space, std::string_view event,
                           const encoded_arguments& args, const emit_flags& flags,
                           const packet_name* name) {
    std::string with_offset;
    if (name != nullptr) {
        with_offset = args.json;
        if (!with_offset.empty()) with_offset += ',';
        append_json_string(with_offset, name->offset);
    }
    const auto text = context.texts.borrow();
    *text = "4";
    append_event(*text, space.name, {}, event, name != nullptr ? with_offset : args.json,
                 args.attachments.size());
    std::string key;
    message_options how = delivery_of(flags, space.name, key);
    if (name != nullptr) how.stamp = name->stamp;
    written_packet packet(context.groups);
    if (context.core()->chosen.parser == packet_parser::msgpack) {
        if (to_msgpack(*context.core(), *text, args.attachments))
            packet.add(message::binary(as_bytes(*text), how));
        return packet;
    }
    packet.add(message::text(*text, how));
    for (const message& attachment : args.attachments) {
        packet.add(flags.uncompressed ? message::binary(attachment.bytes(), {.uncompressed = true})
                                      : attachment);
    }
    return packet;
}

bool to_msgpack(const server_core& core, std::string& packet,
                std::span<const message> attachments) {
    const packet_result parsed =
        parse_packet(std::string_view(packet).substr(1), core.sent_limits, protocol_version::v4);
    if (!parsed) return false;
    std::vector<byte_view> views;
    for (const message& one : attachments) views.push_back(one.bytes());
    std::string packed;
    append_msgpack_packet(packed, parsed.packet, views);
    packet = std::move(packed);
    return true;
}

void tell_outgoing(const space_info& space, loop_context& context, std::string_view event,
                   const encoded_arguments& args) {
    auto& listeners = space.handlers->any_outgoing;
    if (listeners.empty()) return;
    std::vector<byte_view> attachments;
    for (const message& one : args.attachments) attachments.push_back(one.bytes());
    const raw_arguments raw{args.json, attachments};
    for (auto& told : listeners) {
        context.users.call(
            [&] { told(event, raw); },
            [&] {
                return user_place{.callback = "on_any_outgoing", .event = event, .nsp = space.name};
            });
    }
}

}  // namespace weft::socketio::detail
