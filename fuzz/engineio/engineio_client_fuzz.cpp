// What a client believes of a server: its open packet and its cookies. First byte: which of the
// two the rest is. The id must survive in a URL, times must be bounded, and cookies must stay one
// header line however a server sets them.

#include <cstdlib>
#include <string>
#include <string_view>

#include <weft/base/utf8.hpp>

#include "engineio/client_cookies.hpp"
#include "engineio/proto/client_handshake.hpp"
#include "http/proto/response_parser.hpp"

namespace {

using namespace weft;
using namespace weft::engineio;

void require(bool holds) {
    if (!holds) std::abort();
}

std::string unescaped(std::string_view text) {
    const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'A' + 10; };
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        require(text[i] > ' ' && text[i] < '\x7F' && text[i] != '&' && text[i] != '#');
        if (text[i] != '%') {
            out += text[i];
            continue;
        }
        require(i + 2 < text.size());
        out += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
        i += 2;
    }
    return out;
}

void check_open(std::string_view data) {
    if (!validate_utf8(as_bytes(data))) return;
    const auto open = read_open(data);
    if (!open) return;
    constexpr std::uint64_t day = 24ULL * 60 * 60 * 1000;
    require(!open->sid.empty() && open->sid.size() <= 256);
    require(open->ping_interval <= day && open->ping_timeout <= day);
    std::string target = "/engine.io/?EIO=4";
    append_query(target, "sid", open->sid);
    constexpr std::string_view front = "/engine.io/?EIO=4&sid=";
    require(target.starts_with(front));
    require(unescaped(std::string_view(target).substr(front.size())) == open->sid);
}

/// The same head again and again: what is kept must not grow with it.
void check_cookies(std::string_view head) {
    http::response_parser parser(0);
    if (parser.feed(head).status != http::parse_status::complete) return;
    constexpr std::time_t now = 1'800'000'000;
    cookie_jar jar;
    for (int i = 0; i < 3; ++i) {
        jar.take(parser.head(), now);
        const std::string line = jar.header();
        require(line.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
        require(line.size() <= cookie_jar::max_cookies * (cookie_jar::max_size + 2));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) return 0;
    const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
    if (data[0] % 2 == 0) {
        check_open(text);
    } else {
        check_cookies(text);
    }
    return 0;
}
