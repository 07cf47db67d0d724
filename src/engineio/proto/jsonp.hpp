#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace weft::engineio {

/// The reply to a JSONP request: a call with the payload as a string, safe within a script. `index`
/// is the client's `j`; only its digits are used.
[[nodiscard]] std::string write_jsonp(std::string_view index, std::string_view payload);

/// The payload in the body of a JSONP request, `d=...` of a form, with the line ends restored that
/// forms change. It lies in `out`, which must have room for `form.size()` characters. **Errors**:
/// nothing when there is no such field or its encoding is broken.
[[nodiscard]] std::optional<std::string_view> read_jsonp(std::string_view form,
                                                         std::span<char> out) noexcept;

}  // namespace weft::engineio
