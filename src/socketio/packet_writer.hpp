#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "socketio/loop_context.hpp"

namespace weft::socketio::detail {

/// Writes an event as the Engine.IO packets that carry it into `on.group`, for many receivers.
void write_event_group(loop_context& on, const space_info& space, std::optional<std::uint32_t> ack,
                       std::string_view event, const encoded_arguments& args,
                       const emit_flags& flags);

/// Tells those who listen to what goes out. `on`, the loop that this runs on, may be null.
void tell_outgoing(const space_info& space, loop_context* on, std::string_view event,
                   const encoded_arguments& args);

}  // namespace weft::socketio::detail
