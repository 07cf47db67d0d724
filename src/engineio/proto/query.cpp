// The query of a request, read once from the left.

#include "engineio/proto/query.hpp"

namespace weft::engineio {
namespace {

/// The first value stands; a second one takes it away.
void take(std::optional<std::string_view>& slot, std::string_view value) noexcept {
    slot = slot ? std::string_view{} : value;
}

}  // namespace

query_facts parse_query(std::string_view query) noexcept {
    query_facts facts;
    std::optional<std::string_view> transport;
    std::optional<std::string_view> protocol;
    while (!query.empty()) {
        const std::size_t end = query.find('&');
        const std::string_view pair = query.substr(0, end);
        query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
        const std::size_t equals = pair.find('=');
        const std::string_view name = pair.substr(0, equals);
        const std::string_view value =
            equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1);
        if (name == "transport") take(transport, value);
        if (name == "EIO") take(protocol, value);
        if (name == "sid") take(facts.sid, value);
        if (name == "j") take(facts.jsonp, value);
        if (name == "b64") facts.base64 = true;
    }
    facts.transport = transport.value_or(std::string_view{});
    if (protocol == "4") facts.protocol = 4;
    return facts;
}

}  // namespace weft::engineio
