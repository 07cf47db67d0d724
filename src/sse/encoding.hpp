#pragma once

#include <weft/base/shared_buffer.hpp>
#include <weft/pubsub/message.hpp>
#include <weft/sse/event.hpp>

namespace weft::sse {

/// The bytes of an event in an event stream; none when memory is out.
[[nodiscard]] buffer_slice encode(const event& what) noexcept;
/// Those of a message, made once for all who get it.
[[nodiscard]] buffer_slice encode(const message& what) noexcept;

}  // namespace weft::sse
