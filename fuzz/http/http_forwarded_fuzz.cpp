// Whatever stands in the headers of a proxy, what is told lies in the head, is judged a bounded
// number of times, and the address is one that was judged.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/proto/forwarded.hpp"
#include "http/proto/head_parser.hpp"
#include "http/proto/target.hpp"

namespace {

using namespace weft::http;

void require(bool holds) {
    if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string bytes = "GET / HTTP/1.1\r\nHost: x\r\n" +
                              std::string(reinterpret_cast<const char*>(data), size) + "\r\n\r\n";
    head_parser parser(head_kind::request);
    if (parser.parse(bytes) != parse_status::complete) return 0;
    std::size_t judged = 0;
    const auto judge = [&](std::string_view address) {
        ++judged;
        if (address.find_first_not_of("0123456789abcdef.:") != address.npos || address.empty())
            return hop::unknown;
        return address.starts_with('1') ? hop::trusted : hop::client;
    };
    const forwarded_facts told = read_forwarded(parser.head(), judge);
    require(judged <= 2 * max_hops);
    require(told.address.empty() || judge(told.address) != hop::unknown);
    require(told.scheme.empty() || told.scheme == "http" || told.scheme == "https");
    require(told.host.empty() || split_authority(told.host));
    for (const std::string_view text : {told.address, told.host}) {
        require(text.empty() || (text.data() >= bytes.data() &&
                                 text.data() + text.size() <= bytes.data() + bytes.size()));
    }
    return 0;
}
