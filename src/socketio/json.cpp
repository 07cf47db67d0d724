// JSON text for those who speak no Socket.IO. A text is checked to be UTF-8 before it is read, and
// nothing that was read borrows from it.

#include <weft/socketio/json.hpp>

#include <weft/base/utf8.hpp>

namespace weft::detail {

result<void> read_json(std::string_view text, void* out,
                       bool (*decode)(socketio::value_reader&, void*)) {
    if (!validate_utf8(as_bytes(text)))
        return error(errc::invalid_argument, "the text is not UTF-8");
    socketio::borrowed_texts texts;
    socketio::value_reader in(text, {}, texts, socketio::binary_form::base64);
    if (decode(in, out) && in.finish()) return {};
    return error(errc::invalid_argument, in.why());
}

}  // namespace weft::detail
