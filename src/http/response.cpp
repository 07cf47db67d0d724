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
    const std::size_t size = bytes.size();
    body_ = {std::move(bytes), {}, {}, size};
    return *this;
}

response& response::body_static(byte_view bytes) {
    body_ = {{}, bytes, {}, bytes.size()};
    return *this;
}

response& response::body_from(std::unique_ptr<body_source> source, std::uint64_t size) {
    const std::uint64_t announced = source != nullptr ? size : 0;
    body_ = {{}, {}, std::move(source), announced};
    return *this;
}

}  // namespace weft::http
