// The query of a request, read once from the left.

#include "engineio/proto/query.hpp"

namespace weft::engineio {

query_facts parse_query(std::string_view query) noexcept {
    query_facts facts;
    while (!query.empty()) {
        const std::size_t end = query.find('&');
        const std::string_view pair = query.substr(0, end);
        query.remove_prefix(end == std::string_view::npos ? query.size() : end + 1);
        const std::size_t equals = pair.find('=');
        const std::string_view name = pair.substr(0, equals);
        const std::string_view value =
            equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1);
        if (name == "transport") facts.transport = value;
        if (name == "EIO") facts.protocol = value == "4" ? 4 : 3;
        if (name == "sid") facts.sid = value;
        if (name == "j") facts.jsonp = value;
        if (name == "b64") facts.base64 = true;
    }
    return facts;
}

}  // namespace weft::engineio
