// Cookies as a polling client needs them (RFC 6265, without domains, paths and a store). Bounded in
// number and size: a server cannot make a client's requests grow without end.

#include "engineio/client_cookies.hpp"

#include <algorithm>

#include "http/proto/head_writer.hpp"

namespace weft::engineio {
namespace {

std::string_view trim(std::string_view text) noexcept {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

/// Takes the part before the next `;` off.
std::string_view next_part(std::string_view& rest) noexcept {
    const std::size_t end = std::min(rest.find(';'), rest.size());
    const std::string_view part = trim(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    return part;
}

/// Whether the attributes behind a cookie say that it is to be forgotten.
bool has_expired(std::string_view attributes, std::time_t now) noexcept {
    bool expired = false;
    while (!attributes.empty()) {
        const std::string_view part = next_part(attributes);
        const std::size_t equals = std::min(part.find('='), part.size());
        const std::string_view name = trim(part.substr(0, equals));
        const std::string_view value = trim(part.substr(std::min(equals + 1, part.size())));
        if (http::same_token(name, "Max-Age")) {  // which wins over Expires
            return !value.empty() && (value.front() == '-' || value == "0");
        }
        if (http::same_token(name, "Expires")) {
            const auto when = http::parse_http_date(value);
            expired = when && *when <= now;
        }
    }
    return expired;
}

}  // namespace

void cookie_jar::take(const http::message_head& response, std::time_t now) {
    response.each_value("Set-Cookie", [&](std::string_view line) { take_one(line, now); });
}

void cookie_jar::take_one(std::string_view line, std::time_t now) {
    const std::string_view pair = next_part(line);
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos || equals == 0 || pair.size() > max_size) return;
    const std::string_view name = trim(pair.substr(0, equals));
    const std::string_view value = trim(pair.substr(equals + 1));
    const auto known = std::find_if(cookies_.begin(), cookies_.end(),
                                    [&](const cookie& c) { return c.name == name; });
    if (has_expired(line, now)) {
        if (known != cookies_.end()) cookies_.erase(known);
    } else if (known != cookies_.end()) {
        known->value = value;
    } else if (cookies_.size() < max_cookies) {
        cookies_.push_back({std::string(name), std::string(value)});
    }
}

std::string cookie_jar::header() const {
    std::string line;
    for (const cookie& c : cookies_) {
        if (!line.empty()) line += "; ";
        line.append(c.name).append("=").append(c.value);
    }
    return line;
}

}  // namespace weft::engineio
