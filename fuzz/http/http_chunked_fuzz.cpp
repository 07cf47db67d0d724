// Any split of a chunked body gives the same data, end and error, and never more data than the
// limit. The first byte is the limit, the second how the rest is split.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "http/proto/chunked.hpp"

namespace {

using namespace weft::http;

void require(bool holds) {
    if (!holds) std::abort();
}

struct outcome {
    parse_status status = parse_status::incomplete;
    errc error = errc::none;
    std::string data;
    std::size_t consumed = 0;
    friend bool operator==(const outcome&, const outcome&) = default;
};

outcome decode(std::string_view bytes, std::size_t step, std::uint64_t max_body) {
    chunked_decoder decoder({max_body, 64, 64});
    outcome out;
    while (!bytes.empty() && out.status == parse_status::incomplete) {
        const std::string part(bytes.substr(0, step));
        std::string_view in = part;
        while (!in.empty() && out.status == parse_status::incomplete) {
            const auto piece = decoder.feed(in);
            require(piece.consumed > 0 && piece.consumed <= in.size());
            out.data += piece.data;
            out.consumed += piece.consumed;
            out.status = piece.status;
            in.remove_prefix(piece.consumed);
        }
        bytes.remove_prefix(part.size());
    }
    out.error = decoder.error();
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) return 0;
    const std::uint64_t max_body = data[0];
    const std::size_t step = data[1] % 64U + 1U;
    const std::string_view bytes(reinterpret_cast<const char*>(data + 2), size - 2);
    const outcome whole = decode(bytes, std::max<std::size_t>(bytes.size(), 1), max_body);
    require(decode(bytes, step, max_body) == whole);
    require(whole.data.size() <= max_body);
    require((whole.status == parse_status::failed) == (whole.error != errc::none));
    return 0;
}
