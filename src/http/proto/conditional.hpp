#pragma once

#include <cstdint>
#include <ctime>
#include <optional>
#include <string_view>

#include <weft/http/head.hpp>

namespace weft::http {

/// Whether the peer takes a content coding: it lists it, and not with a weight of 0.
[[nodiscard]] bool accepts_coding(const message_head& head, std::string_view coding);

/// What a request with conditions and a range gets of a file.
struct selection {
    int status = 200;  ///< 200, 206, 304, 412 or 416.
    std::uint64_t begin = 0;
    std::uint64_t size = 0;
};

/// Judges If-Match, If-Unmodified-Since, If-None-Match, If-Modified-Since, Range and If-Range, in
/// the order of RFC 9110 section 13.2.2. Of several ranges, and of a range it does not understand,
/// the whole file is the answer.
[[nodiscard]] selection select_content(const message_head& head, std::uint64_t size,
                                       std::string_view etag, std::optional<std::time_t> modified);

}  // namespace weft::http
