#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "socketio/loop_context.hpp"
#include "socketio/recovery.hpp"

namespace weft::socketio::detail {

/// How an event of a namespace wants to be delivered. `key` is memory for the result.
[[nodiscard]] message_options delivery_of(const emit_flags& flags, std::string_view nsp,
                                          std::string& key);

/// Writes an event as the Engine.IO packets that carry it into `on.group`, for many receivers.
/// With a `named` the client is told its offset.
void write_event_group(loop_context& on, const space_info& space, std::string_view event,
                       const encoded_arguments& args, const emit_flags& flags,
                       std::optional<stamp> named = {});

/// Replaces a packet in text form, behind its type digit, by its msgpack form. False when it is not
/// a packet that a client would take.
[[nodiscard]] bool to_msgpack(const server_core& core, std::string& packet,
                              std::span<const message> attachments);

/// Tells those who listen to what goes out. `on`, the loop that this runs on, may be null.
void tell_outgoing(const space_info& space, loop_context* on, std::string_view event,
                   const encoded_arguments& args);

}  // namespace weft::socketio::detail
