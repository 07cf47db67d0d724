// Building responses. Header values are made safe here, at the one place where they enter, so that
// what is stored can be written as it is.

#include <weft/http/response.hpp>

#include <algorithm>
#include <array>

#include <weft/http/error.hpp>
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

response response::text(int status, std::string body) {
    response r(status);
    r.header("Content-Type", "text/plain; charset=utf-8").body(std::move(body));
    return r;
}

response response::html(std::string body) {
    response r;
    r.header("Content-Type", "text/html; charset=utf-8").body(std::move(body));
    return r;
}

response response::json(int status, std::string body) {
    response r(status);
    r.header("Content-Type", "application/json").body(std::move(body));
    return r;
}

response response::plain_error(int status) {
    return text(status, std::to_string(status) + " " + std::string(reason_of(status)) + "\n");
}

response response::refused(const refusal& why, int usual_status) {
    const int status = why.status_or(usual_status);
    response r = why.message.empty() ? plain_error(status) : text(status, why.message);
    for (const auto& [name, value] : why.headers) r.header(name, value);
    return r;
}

response response::redirect(int status, std::string_view location) {
    response r(status);
    r.header("Location", location);
    return r;
}

response& response::header(std::string_view name, std::string_view value) & {
    if (!is_field_name(name) || is_reserved(name)) return *this;
    headers_.append(name).append(": ");
    std::transform(value.begin(), value.end(), std::back_inserter(headers_),
                   [](char c) { return syntax::is(c, syntax::value_bit) ? c : ' '; });
    headers_.append("\r\n");
    return *this;
}

response&& response::header(std::string_view name, std::string_view value) && {
    return std::move(header(name, value));
}

response& response::body(std::string bytes) {
    body_ = std::move(bytes);
    return *this;
}

response& response::body_static(byte_view bytes) {
    body_ = bytes;
    return *this;
}

response& response::body_from(std::unique_ptr<body_source> source, std::uint64_t size) {
    body_ = sourced{std::move(source), size};
    return *this;
}

std::uint64_t response::body_size() const noexcept {
    if (const auto* text = std::get_if<std::string>(&body_)) return text->size();
    if (const auto* bytes = std::get_if<byte_view>(&body_)) return bytes->size();
    return std::get_if<sourced>(&body_)->size;
}

}  // namespace weft::http
