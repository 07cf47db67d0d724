// Events as messages: the form that event streams carry is made once and kept with the message.

#include <weft/sse/message.hpp>

#include <cstring>
#include <new>
#include <string>

#include "sse/encoding.hpp"
#include "sse/proto/event_writer.hpp"

namespace weft::sse {

buffer_slice encode(const event& what) noexcept {
    try {
        std::string text;
        append_event(text, what);
        buffer_ref block = shared_buffer::allocate(text.size());
        if (!block) return {};
        std::memcpy(block->data(), text.data(), text.size());
        const byte_view bytes(block->data(), text.size());
        return {std::move(block), bytes};
    } catch (const std::bad_alloc&) {
        return {};
    }
}

buffer_slice encode(const message& what) noexcept {
    return what.encoded(message_encoding::event_stream(),
                        [](const message& m) { return encode(event{.data = m.text()}); });
}

message make_message(const event& what, const message_options& options) {
    message made = message::text(what.data, options);
    if (!made) return made;
    const buffer_slice form = made.encoded(message_encoding::event_stream(),
                                           [&](const message&) { return encode(what); });
    return form.owner ? made : message{};
}

}  // namespace weft::sse
