#pragma once

#include <weft/pubsub/message.hpp>
#include <weft/sse/event.hpp>

namespace weft::sse {

/// An event to publish. Event streams get all of it, WebSockets its data.
/// **Errors**: an empty message when out of memory.
[[nodiscard]] message make_message(const event& what, const message_options& options = {});

}  // namespace weft::sse
