// Values of msgpack as JSON and back, and the other way round. What is translated must be valid,
// in proportion, and the same after another round.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <weft/base/json_reader.hpp>
#include <weft/base/utf8.hpp>

#include "socketio/proto/msgpack_json.hpp"
#include "socketio/proto/placeholders.hpp"

namespace {

using namespace weft;
using namespace weft::socketio;

void require(bool holds) {
    if (!holds) std::abort();
}

bool valid(std::string_view text) {
    json_reader json(text);
    return json.skip() && json.finish();
}

struct translated {
    bool done = false;
    std::string text;
    std::vector<byte_view> attachments;
};

translated to_json(std::string_view bytes, bool apart) {
    translated out;
    attachment_list list{{}, placeholder_set::max_attachments};
    msgpack_reader in(as_bytes(bytes));
    out.done = append_json(out.text, in, apart ? &list : nullptr) == socketio::errc{};
    require(out.text.size() <= 8 * bytes.size() + 64 * list.found.size() + 64);
    require(list.found.size() <= list.max);
    out.attachments = std::move(list.found);
    return out;
}

std::string to_msgpack(const translated& value) {
    std::string out;
    require(append_msgpack(out, value.text, value.attachments));
    return out;
}

void read_msgpack(std::string_view bytes, bool apart) {
    const translated first = to_json(bytes, apart);
    if (!first.done || first.text.empty()) return;
    require(valid(first.text));
    if (!validate_utf8(as_bytes(first.text))) return;
    // What looks like a placeholder becomes one, or moves an attachment to another place.
    placeholder_set placeholders(first.attachments.size());
    json_reader json(first.text);
    if (skip_value(json, placeholders) != socketio::errc{}) return;
    require(placeholders.complete());
    const std::string second_bytes = to_msgpack(first);
    const translated second = to_json(second_bytes, apart);
    require(second.done && second.attachments.size() == first.attachments.size());
    const std::string third_bytes = to_msgpack(second);
    const translated third = to_json(third_bytes, apart);
    require(third.done && third.text == second.text && third_bytes == second_bytes);
}

void read_json(std::string_view text) {
    std::string bytes = "before";
    const bool done = append_msgpack(bytes, text, {});
    require(done == valid(text));
    if (!done) return require(bytes == "before");
    bytes.erase(0, 6);
    const translated again = to_json(bytes, true);
    require(again.done && valid(again.text) && again.attachments.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    read_msgpack(input, true);
    read_msgpack(input, false);
    read_json(input);
    return 0;
}
