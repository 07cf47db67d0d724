#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace weft::http {

/// Header lines to send. `add` makes each value safe, so that text from a peer cannot end a line
/// (response splitting).
class header_lines {
public:
    header_lines() = default;

    /// Adds a line. CR, LF and other control characters in the value become blanks. Adds nothing if
    /// the name is not a token, or if the library writes that line itself (`Content-Length`,
    /// `Transfer-Encoding`, `Connection`, `Date`).
    header_lines& add(std::string_view name, std::string_view value) &;
    header_lines&& add(std::string_view name, std::string_view value) && {
        return std::move(add(name, value));
    }
    /// Adds all lines of `others`.
    header_lines& add(const header_lines& others) & {
        text_.append(others.text_);
        return *this;
    }

    /// The lines as they will be sent, each ended by CRLF.
    [[nodiscard]] std::string_view text() const noexcept { return text_; }
    [[nodiscard]] bool empty() const noexcept { return text_.empty(); }

private:
    std::string text_;
};

}  // namespace weft::http
