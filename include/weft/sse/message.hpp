#pragma once

#include <weft/pubsub/message.hpp>
#include <weft/sse/event.hpp>

namespace weft::sse {

/// An event to publish: subscribers by server-sent events get all of it, WebSockets its data.
/// **Errors**: an empty message when memory is out.
[[nodiscard]] message make_message(const event& what, const message_options& options = {});

}  // namespace weft::sse
