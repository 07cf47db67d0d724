// URLs of a client. Invariant: what comes out can stand in a request as it is: the target is
// printable ASCII beginning with '/', the host is a name or an address. Nothing is repaired, except
// that an empty path is the root and that dot segments of a redirect are resolved.

#include "ws/client_url.hpp"

#include <algorithm>
#include <optional>
#include <vector>

#include "http/proto/syntax.hpp"
#include "http/proto/target.hpp"

namespace weft::ws {
namespace {

constexpr std::size_t max_url = 8 * 1024;
constexpr std::string_view unix_scheme = "ws+unix:";

error bad_url(std::string_view what) {
    return {weft::errc::invalid_argument, "URL: " + std::string(what)};
}

std::optional<std::string> percent_decode(std::string_view text) {
    std::string out(text.size(), '\0');
    const auto decoded = http::decode_escapes(text, out);
    if (!decoded) return std::nullopt;
    out.resize(decoded->size());
    return out;
}

/// "scheme" of "scheme:rest", or empty.
std::string_view scheme_of(std::string_view text) noexcept {
    const std::size_t end = text.find_first_of(":/?");
    return end == std::string_view::npos || text[end] != ':' ? "" : text.substr(0, end);
}

std::optional<bool> is_secure(std::string_view scheme) noexcept {
    if (http::same_token(scheme, "wss") || http::same_token(scheme, "https")) return true;
    if (http::same_token(scheme, "ws") || http::same_token(scheme, "http")) return false;
    return std::nullopt;
}

/// A path without its segments "." and ".." (RFC 3986 section 5.2.4).
std::string without_dots(std::string_view path) {
    std::vector<std::string_view> kept;
    bool ends_open = false;  // a dot segment at the end leaves the slash in front of it
    while (!path.empty()) {
        path.remove_prefix(1);
        const std::string_view segment = path.substr(0, path.find('/'));
        path.remove_prefix(segment.size());
        ends_open = segment == "." || segment == "..";
        if (segment == ".." && !kept.empty()) kept.pop_back();
        if (!ends_open) kept.push_back(segment);
    }
    std::string out;
    for (const std::string_view segment : kept) out.append("/").append(segment);
    if (ends_open || out.empty()) out += '/';
    return out;
}

result<void> set_user_info(client_url& url, std::string_view text) {
    auto decoded = percent_decode(text);
    if (!decoded) return bad_url("a broken escape in the user information");
    if (decoded->empty()) return {};
    if (text.find(':') == std::string_view::npos) *decoded += ':';
    url.user_info = std::move(*decoded);
    return {};
}

result<void> set_authority(client_url& url, std::string_view text) {
    const std::size_t at_sign = text.rfind('@');
    if (at_sign != std::string_view::npos) {
        if (auto set = set_user_info(url, text.substr(0, at_sign)); !set) return set.error();
        text.remove_prefix(at_sign + 1);
    }
    const auto parts = http::split_authority(text);
    if (!parts) return bad_url("the host or port is malformed");
    std::string_view host = parts->host;
    if (host.front() == '[') host = host.substr(1, host.size() - 2);
    url.host.resize(host.size());
    std::transform(host.begin(), host.end(), url.host.begin(), http::syntax::lower);
    unsigned port = 0;
    for (const char c : parts->port) port = port * 10 + static_cast<unsigned>(c - '0');
    if (parts->port.empty()) port = url.secure ? 443 : 80;
    if (port == 0) return bad_url("port 0 cannot be connected to");
    url.port = static_cast<std::uint16_t>(port);
    return {};
}

/// `rest` is what follows "scheme://".
result<client_url> parse_network(bool secure, std::string_view rest) {
    client_url url;
    url.secure = secure;
    const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
    if (auto set = set_authority(url, rest.substr(0, end)); !set) return set.error();
    url.target = rest.substr(end);
    if (url.target.empty() || url.target.front() != '/') url.target.insert(0, "/");
    return url;
}

result<client_url> parse_unix(std::string_view rest) {
    client_url url;
    const std::size_t colon = std::min(rest.find(':'), rest.size());
    url.unix_path = rest.substr(0, colon);
    url.target = colon < rest.size() ? rest.substr(colon + 1) : "/";
    if (url.unix_path.empty()) return bad_url("ws+unix: needs the path of a socket");
    if (url.target.empty() || url.target.front() != '/') {
        return bad_url("the path behind a unix socket must begin with '/'");
    }
    return url;
}

result<void> check_text(std::string_view text) {
    if (text.size() > max_url) return bad_url("longer than 8 KiB");
    const bool printable =
        std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; });
    if (!printable) return bad_url("only printable ASCII is allowed; escape the rest");
    return {};
}

}  // namespace

result<client_url> client_url::parse(std::string_view text) {
    if (auto checked = check_text(text); !checked) return checked.error();
    if (text.find('#') != std::string_view::npos) return bad_url("a fragment is not allowed");
    if (http::same_token(text.substr(0, unix_scheme.size()), unix_scheme)) {
        return parse_unix(text.substr(unix_scheme.size()));
    }
    const std::string_view scheme = scheme_of(text);
    const auto encrypted = is_secure(scheme);
    if (text.substr(scheme.size(), 3) != "://") {
        return bad_url(
            "it has no scheme: write ws://, wss://, http:// or https:// in front of the host");
    }
    if (!encrypted) return bad_url("the scheme must be ws, wss, http, https or ws+unix");
    return parse_network(*encrypted, text.substr(scheme.size() + 3));
}

result<http::client_proxy> proxy_of(std::string_view url) {
    auto parsed = client_url::parse(url);
    if (!parsed) return parsed.error();
    if (!http::same_token(scheme_of(url), "http"))
        return bad_url("a proxy is http://, with a connection that is not encrypted itself");
    if (parsed->target != "/") return bad_url("a proxy has no path");
    return http::client_proxy{std::move(parsed->host), parsed->port, std::move(parsed->user_info)};
}

result<client_url> client_url::resolve(std::string_view location) const {
    location = location.substr(0, location.find('#'));
    if (auto checked = check_text(location); !checked) return checked.error();
    const std::string_view scheme = scheme_of(location);
    const bool absolute = !scheme.empty();
    if (absolute || location.substr(0, 2) == "//") {
        const auto encrypted = absolute ? is_secure(scheme) : secure;
        if (absolute) location.remove_prefix(scheme.size() + 1);
        if (!encrypted || location.substr(0, 2) != "//" || (!absolute && host.empty())) {
            return bad_url("a redirect may lead to ws, wss, http and https only");
        }
        auto parsed = parse_network(*encrypted, location.substr(2));
        if (!parsed) return parsed.error();
        if (secure && !parsed->secure) return bad_url("a redirect from TLS to plain is refused");
        if (!parsed->user_info.empty()) return bad_url("a redirect may not carry user information");
        return parsed;
    }
    client_url resolved = *this;
    const std::string_view path = std::string_view(target).substr(0, target.find('?'));
    const std::string_view query = location.substr(std::min(location.find('?'), location.size()));
    std::string_view there = location.substr(0, location.size() - query.size());
    if (there.empty()) {
        resolved.target = location.empty() ? target : std::string(path) + std::string(query);
        return resolved;
    }
    const std::string merged = there.front() == '/'
                                   ? std::string(there)
                                   : std::string(path.substr(0, path.rfind('/') + 1)).append(there);
    resolved.target = without_dots(merged).append(query);
    return resolved;
}

std::string client_url::authority() const {
    if (host.empty()) return "localhost";
    std::string text = host.find(':') == std::string::npos ? host : "[" + host + "]";
    if (port != (secure ? 443 : 80)) text.append(":").append(std::to_string(port));
    return text;
}

bool client_url::same_origin(const client_url& other) const noexcept {
    return secure == other.secure && host == other.host && port == other.port &&
           unix_path == other.unix_path;
}

}  // namespace weft::ws
