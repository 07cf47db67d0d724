// What HTTP demands of its options.

#include <weft/http/options.hpp>

#include <cstdint>

#include "base/option_check.hpp"
#include "http/proto/head_parser.hpp"
#include "http/proto/target.hpp"
#include "net/network_list.hpp"

namespace weft::http {
namespace {

constexpr std::size_t shortest_line = 16;  // "GET / HTTP/1.1" and its end

bool is_host_name(const std::string& name) noexcept {
    const bool v6 = name.starts_with('[') && name.ends_with(']');
    return !name.empty() && name.find('/') == std::string::npos &&
           (v6 || name.find(':') == std::string::npos);
}

/// `http[s]://host[:port]`, as a browser writes the origin of a page.
bool is_page_origin(std::string_view origin) noexcept {
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (origin.starts_with(scheme))
            return split_authority(origin.substr(scheme.size())).has_value();
    }
    return false;
}

}  // namespace

result<void> options::check() const {
    option_check all("http::options");
    all.within("max_request_line", max_request_line, shortest_line, UINT16_MAX)
        .within("max_header_line", max_header_line, shortest_line, UINT16_MAX)
        .within("max_head", max_head, 4 * shortest_line, UINT16_MAX)
        .within("max_headers", max_headers, 1, message_head::max_fields)
        .at_least("max_stream_queue", max_stream_queue, 1)
        .above_zero("head_timeout", head_timeout)
        .above_zero("idle_timeout", idle_timeout)
        .above_zero("body_grace", body_grace)
        .at_least("min_body_rate", min_body_rate, 1)
        .above_zero("reply_timeout", reply_timeout);
    for (const std::string& name : allowed_hosts)
        all.rule(is_host_name(name), "allowed_hosts",
                 "has '" + name +
                     "': each must be a host name without a port, or an IPv6 address in "
                     "brackets");
    for (const std::string& origin : public_origins)
        all.rule(is_page_origin(origin), "public_origins",
                 "has '" + origin +
                     "': each must be like https://example.org or http://example.org:8080, "
                     "without a path");
    if (const auto proxies = net::network_list::make(trusted_proxies); !proxies)
        all.rule(false, "trusted_proxies", "is wrong: " + proxies.error().what());
    return all.outcome();
}

}  // namespace weft::http
