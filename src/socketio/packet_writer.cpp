// Events as Engine.IO packets: a text with the type digit of a message, `4`, in front, and one
// binary packet for each attachment.

#include "socketio/packet_writer.hpp"

#include <string>

namespace weft::socketio::detail {

void write_event_group(loop_context& on, const space_info& space, std::optional<std::uint32_t> ack,
                       std::string_view event, const encoded_arguments& args,
                       const emit_flags& flags) {
    on.scratch = "4";
    append_event(on.scratch, space.name, ack, event, args.json, args.attachments.size());
    const message_options how{.droppable = flags.droppable, .uncompressed = flags.uncompressed};
    on.group.push_back(message::text(on.scratch, how));
    for (const message& attachment : args.attachments) {
        if (flags.droppable || flags.uncompressed) {
            on.group.push_back(message::binary(attachment.bytes(), how));
        } else {
            on.group.push_back(attachment);
        }
    }
}

void tell_outgoing(const space_info& space, loop_context* on, std::string_view event,
                   const encoded_arguments& args) {
    auto& listeners = space.handlers->any_outgoing;
    if (listeners.empty()) return;
    std::vector<byte_view> attachments;
    for (const message& one : args.attachments) attachments.push_back(one.bytes());
    const raw_arguments raw{args.json, attachments};
    for (auto& told : listeners) {
        if (on != nullptr) {
            on->guarded([&] { told(event, raw); });
        } else {
            told(event, raw);
        }
    }
}

}  // namespace weft::socketio::detail
