// Takes the URL of the command line apart. Only what a load generator needs: no user information,
// no fragments.

#include <charconv>
#include <string_view>

#include "bench/options.hpp"

namespace weft::bench {
namespace {

error bad(const std::string& url, std::string_view why) {
    return error(errc::invalid_argument,
                 "'" + url + "' " + std::string(why) +
                     "; give ws://HOST:PORT/PATH, wss://HOST:PORT/PATH, tcp://HOST:PORT or, "
                     "with --socketio, http://HOST:PORT");
}

struct known_scheme {
    std::string_view prefix;
    scheme how;
    std::uint16_t port;
};
constexpr known_scheme schemes[] = {{"ws://", scheme::plain, 80},
                                    {"wss://", scheme::tls, 443},
                                    {"tcp://", scheme::raw, 0},
                                    {"http://", scheme::polling, 80}};

}  // namespace

result<target> parse_target(const std::string& url) {
    const std::string_view text = url;
    target found;
    std::string_view rest;
    for (const known_scheme& each : schemes) {
        if (!text.starts_with(each.prefix)) continue;
        found.how = each.how;
        found.port = each.port;
        rest = text.substr(each.prefix.size());
    }
    if (rest.empty()) return bad(url, "is no address of a server");
    const std::size_t slash = rest.find_first_of("/?");
    found.authority = rest.substr(0, slash);
    if (slash != std::string_view::npos) found.path = rest.substr(slash);
    if (!found.path.starts_with('/')) found.path.insert(0, 1, '/');

    std::string_view host = found.authority;
    std::string_view port;
    const std::size_t bracket = host.starts_with('[') ? host.find(']') : 0;
    if (bracket == std::string_view::npos) return bad(url, "has a '[' without its ']'");
    if (const std::size_t colon = host.find(':', bracket); colon != std::string_view::npos) {
        port = host.substr(colon + 1);
        host = host.substr(0, colon);
        const auto read = std::from_chars(port.data(), port.data() + port.size(), found.port);
        if (read.ec != std::errc() || read.ptr != port.data() + port.size() || found.port == 0) {
            return bad(url, "has a port that is no number from 1 to 65535");
        }
    }
    if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
    if (host.empty()) return bad(url, "names no host");
    if (found.port == 0) return bad(url, "names no port");
    found.host = host;
    return found;
}

}  // namespace weft::bench
