// Building responses.

#include <weft/http/response.hpp>

#include <weft/http/error.hpp>

namespace weft::http {

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
