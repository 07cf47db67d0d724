// Cookies, RFC 6265. What is set is always well-formed; what is read is taken apart leniently, as
// the RFC wants it, since any page of the site's domain may have set it.

#include <weft/http/cookie.hpp>

#include <algorithm>

#include <weft/http/head.hpp>

#include "http/proto/head_writer.hpp"
#include "http/proto/syntax.hpp"
#include "http/proto/target.hpp"

namespace weft::http {
namespace {

// cookie-octet without '%', which begins an encoded byte (section 4.1.1).
bool is_plain(char c) noexcept {
    return c > 0x20 && c < 0x7F && c != '"' && c != ',' && c != ';' && c != '\\' && c != '%';
}

// av-octet (section 4.1.1).
bool is_attribute(std::string_view value) noexcept {
    return std::all_of(value.begin(), value.end(),
                       [](char c) { return c >= 0x20 && c < 0x7F && c != ';'; });
}

bool begins_with(std::string_view name, std::string_view prefix) noexcept {
    return same_token(name.substr(0, prefix.size()), prefix);
}

}  // namespace

std::string to_string(const cookie& c) {
    const bool of_host = begins_with(c.name, "__Host-");
    if (!is_field_name(c.name) || !is_attribute(c.path) || !is_attribute(c.domain)) return {};
    if (of_host && (c.path != "/" || !c.domain.empty())) return {};
    std::string out = c.name + "=";
    append_escaped(out, c.value, is_plain);
    if (!c.path.empty()) out += "; Path=" + c.path;
    if (!c.domain.empty()) out += "; Domain=" + c.domain;
    if (c.max_age) out += "; Max-Age=" + std::to_string(*c.max_age / std::chrono::seconds(1));
    if (c.http_only) out += "; HttpOnly";
    const bool needs_tls = of_host || begins_with(c.name, "__Secure-") || c.partitioned ||
                           c.same_site == same_site::none;
    if (c.secure || needs_tls) out += "; Secure";
    switch (c.same_site) {
        case same_site::strict: out += "; SameSite=Strict"; break;
        case same_site::lax: out += "; SameSite=Lax"; break;
        case same_site::none: out += "; SameSite=None"; break;
    }
    if (c.partitioned) out += "; Partitioned";
    return out;
}

std::optional<std::string> cookie_value(std::string_view header, std::string_view name) {
    while (!header.empty()) {
        const std::size_t end = std::min(header.find(';'), header.size());
        const std::string_view pair = syntax::trim(header.substr(0, end));
        header.remove_prefix(std::min(end + 1, header.size()));
        const std::size_t equals = pair.find('=');
        if (equals == pair.npos || syntax::trim(pair.substr(0, equals)) != name) continue;
        std::string_view value = syntax::trim(pair.substr(equals + 1));
        if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
            value = value.substr(1, value.size() - 2);
        }
        std::string memory(value.size(), '\0');
        const auto decoded = decode_escapes(value, memory);
        if (!decoded) return {};
        return std::string(*decoded);
    }
    return {};
}

}  // namespace weft::http
