#pragma once

#include <array>
#include <cstdint>
#include <ctime>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace weft::http {

/// Writes the head of a message into memory that the caller gives. When the memory is too small it
/// stops writing and says so in the end.
class head_writer {
public:
    explicit head_writer(std::span<char> out) noexcept : out_(out) {}

    void status_line(int status) noexcept;
    /// A name or value that could end the line is not written and makes `finish` fail.
    void field(std::string_view name, std::string_view value) noexcept;
    void field(std::string_view name, std::uint64_t value) noexcept;
    /// Whole lines that were checked before, each with its CRLF.
    void lines(std::string_view checked) noexcept { append(checked); }
    /// Ends the head. The text written, or nothing when it did not fit or a field was refused.
    [[nodiscard]] std::optional<std::string_view> finish() noexcept;

private:
    void append(std::string_view text) noexcept;

    std::span<char> out_;
    std::size_t size_ = 0;
    bool failed_ = false;
};

/// Whether a header may have this name: a token (RFC 9110 section 5.6.2).
[[nodiscard]] bool is_field_name(std::string_view name) noexcept;
/// Whether a header may have this value: no control character but the tab.
[[nodiscard]] bool is_field_value(std::string_view value) noexcept;

/// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 section 5.6.7), without any locale.
[[nodiscard]] std::array<char, 29> http_date(std::time_t when) noexcept;
/// The reverse; nothing for any other format.
[[nodiscard]] std::optional<std::time_t> parse_http_date(std::string_view text) noexcept;

}  // namespace weft::http
