// A client's URLs and the redirects a server sends: what is accepted has a sound target and host,
// and says the same when it is written down and parsed again.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "ws/client_url.hpp"

namespace {

using weft::ws::client_url;

void require(bool holds) {
    if (!holds) std::abort();
}

void check(const client_url& url) {
    require(!url.target.empty() && url.target.front() == '/');
    for (const char c : url.target + url.host) require(static_cast<unsigned char>(c) > 0x20);
    if (!url.unix_path.empty()) return;
    require(!url.host.empty());
    const std::string again = (url.secure ? "wss://" : "ws://") + url.authority() + url.target;
    const auto parsed = client_url::parse(again);
    require(parsed && parsed->same_origin(url) && parsed->target == url.target);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const std::size_t line = text.find('\n');
    const auto from = client_url::parse(text.substr(0, line));
    if (!from) return 0;
    check(*from);
    if (line == std::string_view::npos) return 0;
    const auto to = from->resolve(text.substr(line + 1));
    if (!to) return 0;
    check(*to);
    require(to->secure || !from->secure);
    require(to->user_info.empty() || to->user_info == from->user_info);
    return 0;
}
