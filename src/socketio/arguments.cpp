// The part of decoding arguments that knows no types: counting them, and the sentences for those
// that are missing, surplus or wrong.

#include <weft/socketio/arguments.hpp>

namespace weft::socketio::detail {

bool argument_reader::require_another() {
    if (another()) return true;
    ++index_;
    return in_.fail("missing");
}

bool argument_reader::end() {
    if (!another()) return in_.finish();
    return in_.fail("surplus");
}

error argument_reader::why() const {
    std::string what(event_);
    what += ": argument ";
    what += std::to_string(index_);
    what += ": ";
    what += in_.why();
    return {errc::bad_argument, std::move(what)};
}

result<void> check_answer(const raw_arguments& answer) {
    json_reader json(answer.json);
    std::string scratch;
    std::string_view key;
    if (!json.begin_object() || !json.next_key(key, scratch) || key != "error") return {};
    std::string code;
    std::string message;
    if (!json.begin_object()) return {};
    while (json.next_key(key, scratch)) {
        if (key == "code") {
            json.read(code);
        } else if (key == "message") {
            json.read(message);
        } else {
            json.skip();
        }
    }
    if (json.next_key(key, scratch) || !json.finish() || code.empty()) return {};
    if (!message.empty()) code.append(": ").append(message);
    return error{errc::refused_by_peer, std::move(code)};
}

}  // namespace weft::socketio::detail
