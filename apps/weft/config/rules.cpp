// What the texts of some keys must look like, in words for whoever wrote another one. Where the
// library judges, it is asked.

#include "config/rules.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

#include <arpa/inet.h>

#include <weft/cluster/options.hpp>
#include <weft/http/options.hpp>

namespace weft::config {
namespace {

bool has_none_of(const std::string& text, const char* special) {
    return std::none_of(text.begin(), text.end(), [special](char c) {
        return c <= ' ' || c == '\x7f' || std::strchr(special, c) != nullptr;
    });
}

}  // namespace

std::optional<cluster::redis_address> parse_host_port(const std::string& text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string::npos || colon == 0) return std::nullopt;
    cluster::redis_address where{.host = text.substr(0, colon), .port = 0};
    if (where.host.front() == '[' && where.host.back() == ']')
        where.host = where.host.substr(1, where.host.size() - 2);
    else if (where.host.find(':') != std::string::npos)
        return std::nullopt;
    const char* const end = text.data() + text.size();
    const auto [stop, why] = std::from_chars(text.data() + colon + 1, end, where.port);
    const bool good = why == std::errc{} && stop == end && where.port != 0;
    return good && !where.host.empty() && has_none_of(where.host, "/") ? std::optional(where)
                                                                       : std::nullopt;
}

const text_rule address_rule{[](const std::string& text) {
                                 in6_addr address{};
                                 return ::inet_pton(AF_INET, text.c_str(), &address) == 1 ||
                                        ::inet_pton(AF_INET6, text.c_str(), &address) == 1;
                             },
                             "a numeric address, such as 127.0.0.1, ::1 or 0.0.0.0"};

const text_rule host_rule{[](const std::string& text) {
                              http::options options;
                              options.allowed_hosts = {text};
                              return text.find('*') == std::string::npos &&
                                     options.check().has_value();
                          },
                          "a name, such as example.org: it has no scheme and no port"};

const text_rule host_port_rule{
    [](const std::string& text) { return parse_host_port(text).has_value(); },
    "a host and a port, such as redis.internal:6379"};

const text_rule redis_host_rule{
    [](const std::string& text) {
        const bool has_port = std::count(text.begin(), text.end(), ':') == 1;
        return !text.empty() && !has_port && has_none_of(text, "/");
    },
    "a host, such as redis.internal or 10.0.0.7: the port goes to redis_port (--redis-port)"};

const text_rule public_origin_rule{
    [](const std::string& text) {
        http::options options;
        options.public_origins = {text};
        return options.check().has_value();
    },
    "an origin, such as https://example.org or http://example.org:8080: it has a scheme and no "
    "path"};

const text_rule origin_rule{
    [](const std::string& text) { return !text.empty() && text != "*"; },
    "an origin, such as https://example.org; no '*', with which any page would have the rights of "
    "its visitor"};

const text_rule network_rule{[](const std::string& text) {
                                 http::options options;
                                 options.trusted_proxies = {text};
                                 return options.check().has_value();
                             },
                             "a network, such as 10.0.0.0/8, an address, or unix"};

const text_rule path_rule{
    [](const std::string& text) { return text.starts_with('/') && has_none_of(text, "?#:*%"); },
    "a path: it begins with / and has no spaces, ?, #, :, * or %"};

const text_rule prefix_rule{[](const std::string& text) {
                                cluster::options options;
                                options.prefix = text;
                                return options.check().has_value();
                            },
                            "what begins the name of a channel: 1 to 128 bytes"};

const text_rule pattern_rule{
    [](const std::string& text) {
        return !text.empty() && text.size() <= 256 && text.find('*') >= text.size() - 1;
    },
    "a topic, or what topics begin with and one '*' at the end, such as ticker.*"};

const text_rule url_rule{[](const std::string& text) {
                             return text.starts_with("https://") && text.size() > 8 &&
                                    has_none_of(text, "");
                         },
                         "a URL that begins with https://"};

const text_rule filled_rule{[](const std::string& text) { return !text.empty(); }, "a text"};

}  // namespace weft::config
