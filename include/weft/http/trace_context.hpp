#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace weft::http {

/// Where a request stands in a trace that other programs began: its `traceparent` header.
/// **Lifetime**: borrows the header's text. **See**: W3C Trace Context, section 3.2.
struct trace_context {
    std::string_view trace_id;   ///< 32 lower-case hexadecimal digits.
    std::string_view parent_id;  ///< 16 of them: the caller's span.
    bool sampled = false;        ///< The caller records it.

    /// Nothing if the text is not exactly "00-", trace id, "-", parent id, "-", flags; 55
    /// characters in all. Ids of zeros and version ff are invalid; of later versions this much is
    /// read.
    [[nodiscard]] static std::optional<trace_context> parse(std::string_view text) noexcept;
    /// What to send on when you call others: the same trace, with `span_id` (16 lower-case
    /// hexadecimal digits) as the parent.
    [[nodiscard]] std::string to_header(std::string_view span_id) const;
};

}  // namespace weft::http
