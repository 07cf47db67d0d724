#pragma once

#include "config/shape.hpp"

namespace weft::config {

extern const text_rule address_rule;     ///< 127.0.0.1, ::1
extern const text_rule host_rule;        ///< example.org
extern const text_rule host_port_rule;   ///< redis.internal:6379
extern const text_rule redis_host_rule;  ///< redis.internal
extern const text_rule public_origin_rule;
extern const text_rule origin_rule;   ///< Also `null`.
extern const text_rule network_rule;  ///< 10.0.0.0/8
extern const text_rule path_rule;     ///< /ws
extern const text_rule prefix_rule;   ///< Of a cluster's channels.
extern const text_rule pattern_rule;  ///< Of topics: ticker.*
extern const text_rule url_rule;      ///< https://id.example.org/jwks.json
extern const text_rule filled_rule;   ///< Not empty.

/// "host:port" or "[::1]:port" in two; nothing if it is neither.
[[nodiscard]] std::optional<cluster::redis_address> parse_host_port(const std::string& text);

}  // namespace weft::config
