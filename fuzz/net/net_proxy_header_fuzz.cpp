// Any split of a PROXY header gives the same outcome, no byte behind it is taken, and it is
// bounded. The first byte chooses how the rest is split.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "net/proto/proxy_header.hpp"

namespace {

using weft::net::proxy_header_parser;
using status = proxy_header_parser::status;

void require(bool holds) {
    if (!holds) std::abort();
}

// Each part lies in a block of its own size, so that AddressSanitizer sees any byte too far.
proxy_header_parser::outcome parse_in_steps(proxy_header_parser& parser, std::string_view bytes,
                                            std::size_t step) {
    proxy_header_parser::outcome all{status::incomplete, 0};
    while (all.what == status::incomplete && all.consumed < bytes.size()) {
        const std::string part(bytes.substr(all.consumed, step));
        const auto [what, consumed] = parser.parse(weft::as_bytes(part));
        require(consumed <= part.size() && (what != status::incomplete || consumed == part.size()));
        all = {what, all.consumed + consumed};
    }
    return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) return 0;
    const std::size_t step = data[0] % 64U + 1U;
    const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
    proxy_header_parser whole, split;
    const auto at_once = parse_in_steps(whole, bytes, std::max<std::size_t>(bytes.size(), 1));
    const auto in_steps = parse_in_steps(split, bytes, step);
    require(at_once.what == in_steps.what && at_once.consumed == in_steps.consumed);
    require(at_once.consumed <= proxy_header_parser::longest_binary);
    require(whole.address() == split.address() && whole.port() == split.port());
    require(whole.address().size() < proxy_header_parser::longest_line);
    require(whole.address().find_first_not_of("0123456789abcdefABCDEF.:") == std::string::npos);
    return 0;
}
