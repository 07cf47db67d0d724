// What a handler may ask of a request beyond its parsed head.

#include <weft/http/request.hpp>

#include <weft/http/cookie.hpp>

#include "http/proto/target.hpp"
#include "net/byte_stream.hpp"

namespace weft::http {

std::optional<std::string> request::query_value(std::string_view name) const {
    return find_query_value(query_, name);
}

std::string_view request::param(std::string_view name) const noexcept {
    for (std::size_t i = 0; i < param_count_; ++i) {
        if (params_[i].name == name) return params_[i].value;
    }
    return {};
}

std::optional<std::string> request::cookie(std::string_view name) const {
    std::optional<std::string> found;
    head_.each_value("cookie", [&](std::string_view line) {
        if (!found) found = cookie_value(line, name);
    });
    return found;
}

std::optional<trace_context> request::trace() const noexcept {
    if (head_.header_count("traceparent") != 1) return {};
    return trace_context::parse(head_.header("traceparent"));
}

conn_id request::id() const noexcept {
    return stream_.id();
}
peer& request::peer() const noexcept {
    return stream_.peer();
}

}  // namespace weft::http
