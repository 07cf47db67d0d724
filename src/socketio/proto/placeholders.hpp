#pragma once

#include <cstdint>
#include <string_view>

#include <weft/base/json_reader.hpp>
#include <weft/socketio/error.hpp>

namespace weft::socketio {

/// Which attachments of a packet were named by placeholders, each at most once.
class placeholder_set {
public:
    static constexpr std::size_t max_attachments = 64;

    /// `attachments` must not be above `max_attachments`.
    explicit placeholder_set(std::size_t attachments) noexcept : attachments_(attachments) {}

    /// Notes a placeholder. **Errors**: false when there is no such attachment, or it was named
    /// before.
    [[nodiscard]] bool use(std::size_t num) noexcept;
    /// Whether each attachment was named.
    [[nodiscard]] bool complete() const noexcept { return count_ == attachments_; }

private:
    std::size_t attachments_;
    std::size_t count_ = 0;
    std::uint64_t used_ = 0;
};

/// `json_reader::skip` which also notes the placeholders in the value.
///
/// An object whose member `_placeholder` is `true` is a placeholder: it must have exactly one other
/// member, `num`, an integer in plain digits. Of members with equal names the last counts, as in
/// JavaScript, so they cannot hide a placeholder. **Errors**: `errc{}` is success.
[[nodiscard]] errc skip_value(json_reader& json, placeholder_set& placeholders) noexcept;

/// Whether the content of a valid JSON string means the ASCII text `plain`.
[[nodiscard]] bool json_text_is(std::string_view content, std::string_view plain) noexcept;

/// Bytes of UTF-8 that the content of a valid JSON string means.
[[nodiscard]] std::size_t unescaped_size(std::string_view content) noexcept;

}  // namespace weft::socketio
