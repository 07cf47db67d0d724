// Any split of a request or response head gives the same events, and every view of an accepted head
// lies inside its bytes and holds only what the grammar allows. The first byte chooses the kind of
// message, the second how the rest is split.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/proto/head_parser.hpp"
#include "http/proto/syntax.hpp"

namespace {

using namespace weft::http;

void require(bool holds) {
    if (!holds) std::abort();
}

// Each prefix lies in a block of its own size, so that AddressSanitizer sees any byte too far.
parse_status parse_in_steps(head_parser& parser, std::string_view bytes, std::size_t step) {
    auto status = parse_status::incomplete;
    for (std::size_t end = 0; status == parse_status::incomplete && end < bytes.size();) {
        end = std::min(end + step, bytes.size());
        const std::string prefix(bytes.substr(0, end));
        status = parser.parse(prefix);
    }
    parser.head().rebase(bytes.data());
    return status;
}

void check_accepted(const message_head& head, std::string_view bytes) {
    const auto inside = [&](std::string_view part) {
        return part.empty() || (part.data() >= bytes.data() &&
                                part.data() + part.size() <= bytes.data() + bytes.size());
    };
    require(inside(head.target()) && inside(head.reason()));
    for (std::size_t i = 0; i < head.field_count(); ++i) {
        const auto [name, value] = head.field(i);
        require(inside(name) && !name.empty() && syntax::all(name, syntax::token_bit));
        require(inside(value) && syntax::all(value, syntax::value_bit));
        require(syntax::trim(value) == value);
    }
    const bool both =
        head.header_count("content-length") != 0 && head.header_count("transfer-encoding") != 0;
    require(!both && head.header_count("host") <= 1);
    static_cast<void>(head.keep_alive());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const auto kind = data[0] % 2 == 0 ? head_kind::request : head_kind::response;
    const std::size_t step = data[1] % 64U + 1U;
    const std::string_view bytes(reinterpret_cast<const char*>(data + 2), size - 2);

    head_parser whole(kind);
    const auto status = whole.parse(bytes);
    head_parser split(kind);
    require(parse_in_steps(split, bytes, step) == status || bytes.empty());
    require(split.error() == whole.error());
    require((status == parse_status::failed) == (whole.error() != errc::none));
    if (status != parse_status::complete) return 0;

    require(split.size() == whole.size() && whole.size() <= bytes.size());
    require(split.head().field_count() == whole.head().field_count());
    require(split.head().target() == whole.head().target());
    require(split.head().status() == whole.head().status());
    for (std::size_t i = 0; i < whole.head().field_count(); ++i) {
        require(split.head().field(i).name == whole.head().field(i).name);
        require(split.head().field(i).value == whole.head().field(i).value);
    }
    check_accepted(whole.head(), bytes);
    return 0;
}
