// The Origin check. Both sides are parsed into scheme, host and port and compared part by part, so
// that no prefix, suffix or user name in front of a host can pass for another origin.

#include <algorithm>

#include <weft/http/head.hpp>

#include "http/proto/syntax.hpp"
#include "ws/proto/origin_policy.hpp"

namespace weft::ws {
namespace {

constexpr bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}
constexpr bool is_letter(char c) noexcept {
    return http::syntax::lower(c) >= 'a' && http::syntax::lower(c) <= 'z';
}

std::uint16_t default_port(std::string_view scheme) noexcept {
    if (http::same_token(scheme, "https") || http::same_token(scheme, "wss")) return 443;
    if (http::same_token(scheme, "http") || http::same_token(scheme, "ws")) return 80;
    return 0;
}

bool is_scheme(std::string_view text) noexcept {
    return !text.empty() && is_letter(text[0]) && std::all_of(text.begin(), text.end(), [](char c) {
        return is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
    });
}

bool is_host(std::string_view text) noexcept {
    if (text.empty()) return false;
    if (text.front() == '[') {
        return text.size() > 2 && text.back() == ']' &&
               std::all_of(text.begin() + 1, text.end() - 1, [](char c) {
                   return is_digit(c) ||
                          (http::syntax::lower(c) >= 'a' && http::syntax::lower(c) <= 'f') ||
                          c == ':' || c == '.';
               });
    }
    // A trailing dot names the same machine to DNS but another host to browsers.
    return text.back() != '.' && std::all_of(text.begin(), text.end(), [](char c) {
               return is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == '_';
           });
}

/// 1 to 65535 without leading zeros; 0 for anything else.
std::uint16_t parse_port(std::string_view text) noexcept {
    if (text.empty() || text.size() > 5 || text[0] == '0') return 0;
    std::uint32_t value = 0;
    for (const char c : text) {
        if (!is_digit(c)) return 0;
        value = value * 10 + static_cast<std::uint32_t>(c - '0');
    }
    return value <= 65535 ? static_cast<std::uint16_t>(value) : std::uint16_t{0};
}

/// `host[:port]` of a scheme.
std::optional<origin_parts> parse_authority(std::string_view scheme,
                                            std::string_view text) noexcept {
    origin_parts parts{scheme, text, default_port(scheme)};
    const std::size_t colon = text.find_last_of(":]");
    if (colon != std::string_view::npos && text[colon] == ':') {
        parts.host = text.substr(0, colon);
        parts.port = parse_port(text.substr(colon + 1));
        if (parts.port == 0) return std::nullopt;
    }
    if (!is_host(parts.host)) return std::nullopt;
    return parts;
}

/// The scheme of the pages that such an address belongs to.
std::string_view page_scheme(std::string_view scheme) noexcept {
    if (http::same_token(scheme, "ws")) return "http";
    if (http::same_token(scheme, "wss")) return "https";
    return scheme;
}

bool same(const origin_parts& a, const origin_parts& b) noexcept {
    return a.port == b.port && http::same_token(page_scheme(a.scheme), page_scheme(b.scheme)) &&
           http::same_token(a.host, b.host);
}

bool is_listed(const origin_parts& origin, std::span<const std::string> list) noexcept {
    return std::any_of(list.begin(), list.end(), [&](const std::string& entry) {
        const std::optional<origin_parts> listed = parse_origin(entry);
        return listed && same(origin, *listed);
    });
}

constexpr std::string_view opaque = "null";

/// Whether a browser may have made this of a page's origin. In doubt it may have: several origins
/// in one header, and hosts that we would not take ourselves, count as a page's.
bool may_be_a_page(std::string_view origin) noexcept {
    if (http::same_token(origin, opaque)) return true;
    if (origin.find_first_of(" ,") != std::string_view::npos) return true;
    const std::size_t colon = origin.find("://");
    if (colon == std::string_view::npos) return false;
    const std::string_view scheme = origin.substr(0, colon), authority = origin.substr(colon + 3);
    return !authority.empty() && authority.find_first_of("/?#@\\") == std::string_view::npos &&
           page_scheme(scheme) == scheme;
}

}  // namespace

std::optional<origin_parts> parse_origin(std::string_view text) noexcept {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos || text.substr(colon, 3) != "://") return std::nullopt;
    if (!is_scheme(text.substr(0, colon))) return std::nullopt;
    return parse_authority(text.substr(0, colon), text.substr(colon + 3));
}

bool origin_policy::is_own(const origin_parts& origin, const origin_facts& facts) const noexcept {
    if (facts.fetch_site == "same-origin" || is_listed(origin, facts.public_origins)) return true;
    const auto own = parse_authority(facts.secure ? "https" : "http", facts.host);
    if (!own) return false;
    const bool tls_ends_here = facts.secure && !facts.by_proxy;
    return same(origin, *own) || (!tls_ends_here && http::same_token(origin.scheme, "https") &&
                                  http::same_token(origin.host, own->host));
}

bool origin_policy::allows(const origin_facts& facts) const noexcept {
    if (options_.any || facts.origin_count == 0) return true;
    if (facts.origin_count > 1) return false;
    if (!may_be_a_page(facts.origin)) return true;

    const auto& allowed = options_.allowed;
    if (std::find(allowed.begin(), allowed.end(), facts.origin) != allowed.end()) return true;
    const std::optional<origin_parts> origin = parse_origin(facts.origin);
    if (!origin) return false;
    if (options_.same_origin && is_own(*origin, facts)) return true;
    return is_listed(*origin, allowed);
}

}  // namespace weft::ws
