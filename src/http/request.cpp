// What a handler may ask of a request beyond its parsed head.

#include <weft/http/request.hpp>

#include "http/proto/target.hpp"
#include "net/byte_stream.hpp"

namespace weft::http {

std::optional<std::string> request::query_value(std::string_view name) const {
    std::string memory(query_.size(), '\0');
    for (std::string_view rest = query_; !rest.empty();) {
        const std::size_t end = std::min(rest.find('&'), rest.size());
        const std::string_view pair = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        const std::size_t equals = std::min(pair.find('='), pair.size());
        if (decode_query(pair.substr(0, equals), memory) != name) continue;
        const std::string_view raw = pair.substr(std::min(equals + 1, pair.size()));
        const auto value = decode_query(raw, memory);
        if (!value) return {};
        return std::string(*value);
    }
    return {};
}

std::string_view request::param(std::string_view name) const noexcept {
    for (std::size_t i = 0; i < param_count_; ++i) {
        if (params_[i].name == name) return params_[i].value;
    }
    return {};
}

conn_id request::id() const noexcept {
    return stream_.id();
}
socket_address request::peer() const {
    return stream_.peer();
}
bool request::secure() const noexcept {
    return stream_.secure();
}

}  // namespace weft::http
