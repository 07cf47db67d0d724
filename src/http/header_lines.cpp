// The one place where header values enter what is sent.

#include <weft/http/header_lines.hpp>

#include <algorithm>
#include <array>
#include <iterator>

#include <weft/http/head.hpp>

#include "http/proto/head_writer.hpp"
#include "http/proto/syntax.hpp"

namespace weft::http {
namespace {

// The library's own: a second one would frame the body twice.
bool is_reserved(std::string_view name) noexcept {
    constexpr std::array<std::string_view, 4> names{"content-length", "transfer-encoding",
                                                    "connection", "date"};
    return std::any_of(names.begin(), names.end(),
                       [&](std::string_view other) { return same_token(name, other); });
}

}  // namespace

header_lines& header_lines::add(std::string_view name, std::string_view value) & {
    if (!is_field_name(name) || is_reserved(name)) return *this;
    text_.append(name).append(": ");
    std::transform(value.begin(), value.end(), std::back_inserter(text_),
                   [](char c) { return syntax::is(c, syntax::value_bit) ? c : ' '; });
    text_.append("\r\n");
    return *this;
}

}  // namespace weft::http
