// Any text into the topic protocol. Whatever a request leads to, the message relayed to others must
// be good JSON that carries exactly the same `data`, and every answer must be good JSON.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include <weft/base/json_reader.hpp>

#include "topics/topic_protocol.hpp"

namespace {

using namespace weft::topics;

void must(bool holds) {
    if (!holds) std::abort();
}

void must_be_json(std::string_view text) {
    // A relayed message wraps `data` no deeper than the request did.
    weft::json_reader json(text);
    json.skip();
    must(json.finish());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto memory =
        std::make_unique<char[]>(size);  // of its own, so that a read beyond it shows
    if (size != 0) std::memcpy(memory.get(), data, size);
    const std::string_view text(memory.get(), size);

    request what;
    const refusal why = parse_request(text, what);
    std::string out;
    if (why != refusal::none) {
        format_error(out, what, why);
        must_be_json(out);
        return 0;
    }
    must_be_json(text);
    must(what.topic.size() <= max_topic_size && what.name.size() <= max_name_size);
    if (what.type == request_type::publish) {
        format_message(out, what.topic, {"c1", what.name}, what.data);
        must_be_json(out);
        must(std::string_view(out).substr(out.size() - what.data.size() - 1) ==
             std::string(what.data) + "}");
        out.clear();
    }
    format_subscribed(out, what, {1, 2});
    must_be_json(out);
    return 0;
}
