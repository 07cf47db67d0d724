// Any split of a response gives the same head, body, end and error, and never a larger body than
// the limit. The first byte is the limit in steps of 16, the second how the rest is split.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/proto/response_parser.hpp"

namespace {

using namespace weft::http;

void require(bool holds) {
    if (!holds) std::abort();
}

struct outcome {
    parse_status status = parse_status::incomplete;
    errc error = errc::none;
    int code = 0;
    bool keep_alive = false;
    std::string body;
    std::size_t consumed = 0;
    friend bool operator==(const outcome&, const outcome&) = default;
};

outcome read(std::string_view bytes, std::size_t step, std::uint64_t max_body) {
    response_parser parser(max_body);
    outcome out;
    while (!bytes.empty() && out.status == parse_status::incomplete) {
        const std::string part(bytes.substr(0, step));
        const auto piece = parser.feed(part);
        require(piece.consumed <= part.size());
        require(piece.status != parse_status::incomplete || piece.consumed == part.size());
        out.status = piece.status;
        out.consumed += piece.consumed;
        bytes.remove_prefix(part.size());
    }
    if (out.status == parse_status::incomplete) out.status = parser.end();
    out.error = parser.error();
    out.body = parser.body();
    if (out.status == parse_status::complete) {
        out.code = parser.head().status();
        out.keep_alive = parser.keep_alive();
    } else {
        out.consumed = 0;  // where exactly it broke depends on the pieces
        out.body.clear();
    }
    require(parser.body().size() <= max_body);
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::uint64_t max_body = data[0] * 16U;
    const std::size_t step = data[1] % 64U + 1U;
    const std::string_view bytes(reinterpret_cast<const char*>(data + 2), size - 2);
    const outcome whole = read(bytes, std::max<std::size_t>(bytes.size(), 1), max_body);
    require(read(bytes, step, max_body) == whole);
    require(read(bytes, 1, max_body) == whole);
    return 0;
}
