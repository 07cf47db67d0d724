// URLs of key sets. Keys that came over plain HTTP would be anybody's, so there is only https.

#include "auth/https_url.hpp"

#include <algorithm>
#include <charconv>

#include <weft/http/head.hpp>

#include "http/proto/target.hpp"

namespace weft::auth {
namespace {

constexpr std::string_view scheme = "https://";
constexpr std::size_t max_url = 2 * 1024;

error bad(std::string_view what) {
    return {weft::errc::invalid_argument, "the URL of a key set " + std::string(what)};
}

}  // namespace

result<https_url> https_url::parse(std::string_view text) {
    if (text.size() > max_url) return bad("is longer than 2 KiB");
    if (!http::same_token(text.substr(0, scheme.size()), scheme)) return bad("must be https");
    text.remove_prefix(scheme.size());
    const bool printable = std::all_of(text.begin(), text.end(),
                                       [](char c) { return c > 0x20 && c < 0x7f && c != '#'; });
    if (!printable) return bad("has a fragment, or bytes that a URL cannot have");
    const std::size_t slash = std::min(text.find_first_of("/?"), text.size());
    const auto parts = http::split_authority(text.substr(0, slash));
    if (!parts) return bad("has user information, or a malformed host or port");
    https_url url;
    url.authority = text.substr(0, slash);
    url.host = parts->host;
    if (url.host.front() == '[') url.host = url.host.substr(1, url.host.size() - 2);
    if (!parts->port.empty()) {
        const char* const end = parts->port.data() + parts->port.size();
        std::from_chars(parts->port.data(), end, url.port);
    }
    if (url.port == 0) return bad("has port 0");
    url.target = text.substr(slash);
    if (!url.target.starts_with('/')) url.target.insert(0, "/");
    return url;
}

}  // namespace weft::auth
