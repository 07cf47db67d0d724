// The opening handshake. The input is a list of lines `name: value`; it is tried as a request and
// as a response, its values as subprotocol lists and as origins.

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "http/proto/syntax.hpp"
#include "ws/proto/handshake.hpp"
#include "ws/proto/origin_policy.hpp"

namespace {

using namespace weft::ws;

void require(bool holds) {
    if (!holds) std::abort();
}

std::vector<weft::http::header_field> split(std::string_view text) {
    std::vector<weft::http::header_field> headers;
    while (!text.empty() && headers.size() < 64) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        const std::size_t colon = std::min(line.find(':'), line.size());
        headers.push_back({line.substr(0, colon),
                           colon < line.size() ? line.substr(colon + 1) : std::string_view{}});
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return headers;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static auto sha1 = weft::sha1_digest::make();
    static const origin_policy policy({.allowed = {"https://good.com", "null"}});
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const std::vector<weft::http::header_field> headers = split(text);

    const upgrade_check check = check_upgrade({"GET", 1, 1, false, headers});
    if (!check.error) {
        require(check.facts.key.size() == 24);
        for (const std::string_view name : check.facts.subprotocols.view())
            require(weft::http::syntax::is_token(name));
        const auto accept = accept_value(*sha1, check.facts.key);
        require(accept.has_value());
        (void)accept_extensions(check.facts.extensions.view(), {});
    }

    const deflate_wishes wishes;
    const std::string_view offered[] = {"chat", "b"};
    const client_request request{"h", "/", "dGhlIHNhbXBsZSBub25jZQ==", offered, &wishes, {}};
    (void)check_response(101, headers, request, *sha1);

    for (const weft::http::header_field& header : headers) {
        const auto parts = parse_origin(header.value);
        if (parts) require(!parts->host.empty() && !parts->scheme.empty());
        (void)policy.allows({.origin = header.value,
                             .origin_count = 1,
                             .host = headers.front().value,
                             .secure = size % 2 == 0,
                             .by_proxy = size % 3 == 0});
        const weft::http::header_field extra[] = {header};
        const auto sent = write_upgrade_request({"h", "/", "x", {}, nullptr, extra});
        if (sent) require((*sent).find("\r\n\r\n") == (*sent).size() - 4);
    }
    return 0;
}
