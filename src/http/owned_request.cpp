// A request for handlers that take their time.

#include <weft/http/owned_request.hpp>

#include <weft/http/cookie.hpp>
#include <weft/http/request.hpp>

namespace weft::http {

owned_request::owned_request(const request& asked)
    : handshake(asked), body_(asked.body_text()), id_(asked.id()), method_(asked.method()) {}

std::optional<std::string> owned_request::cookie(std::string_view name) const {
    std::optional<std::string> found;
    each_header([&](std::string_view key, std::string_view value) {
        if (!found && same_token(key, "cookie")) found = cookie_value(value, name);
    });
    return found;
}

}  // namespace weft::http
