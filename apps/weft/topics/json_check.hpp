#pragma once

#include <string_view>

namespace weft::topics {

/// What `check_json` found.
enum class json_verdict { valid, malformed, too_deep };

/// Deepest nesting `check_json` can be asked to accept.
inline constexpr unsigned max_json_depth = 64;

/// Whether `text` is exactly one JSON value by the grammar of RFC 8259, with at most `max_depth`
/// arrays and objects inside each other. Encoding is not checked: a WebSocket text message is
/// UTF-8 already. Numbers of any size and escaped lone surrogates are valid, as in `JSON.parse`.
/// **Cost**: one pass, no allocation, no recursion.
json_verdict check_json(std::string_view text, unsigned max_depth = max_json_depth) noexcept;

}  // namespace weft::topics
