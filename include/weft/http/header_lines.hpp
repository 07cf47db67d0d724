#pragma once

#include <string>
#include <string_view>
#include <utility>

namespace weft::http {

/// Header lines to be sent. A value is made safe when it is added, so that what is stored can be
/// written as it is, and nothing a peer sent can end a line (response splitting).
class header_lines {
public:
    header_lines() = default;

    /// Adds a line. CR, LF and other control characters in the value become blanks. A name that is
    /// not a token, and those that the library writes itself (`Content-Length`,
    /// `Transfer-Encoding`, `Connection`, `Date`), add nothing.
    header_lines& add(std::string_view name, std::string_view value) &;
    header_lines&& add(std::string_view name, std::string_view value) && {
        return std::move(add(name, value));
    }
    /// Adds the lines of another one.
    header_lines& add(const header_lines& others) & {
        text_.append(others.text_);
        return *this;
    }

    /// As they will be sent, each ended by CRLF.
    [[nodiscard]] std::string_view text() const noexcept { return text_; }
    [[nodiscard]] bool empty() const noexcept { return text_.empty(); }

private:
    std::string text_;
};

}  // namespace weft::http
