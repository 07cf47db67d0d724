// Any text into the topic protocol. Whatever a request leads to, the message relayed to others must
// be good JSON that carries exactly the same `data`, and every answer must be good JSON.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "topics/json_check.hpp"
#include "topics/topic_protocol.hpp"

namespace {

using namespace weft::topics;

void must(bool holds) {
    if (!holds) std::abort();
}

void must_be_json(const std::string& text) {
    // A relayed message wraps `data` no deeper than the request did.
    must(check_json(text) == json_verdict::valid);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto memory = std::make_unique<char[]>(size + request_padding);
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
    must(check_json(text) == json_verdict::valid);
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
