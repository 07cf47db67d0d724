// UTF-8: whole and in pieces the verdict must be the same, and equal to decoding by the definition.
// First byte: the size of the pieces.

#include <algorithm>
#include <cstdlib>

#include <weft/base/utf8.hpp>

namespace {

using namespace weft;

void require(bool holds) {
    if (!holds) std::abort();
}

bool valid_by_definition(const std::uint8_t* text, std::size_t size) {
    std::size_t at = 0;
    while (at < size) {
        const std::uint8_t lead = text[at];
        const std::size_t length = lead < 0x80             ? 1
                                   : (lead & 0xE0) == 0xC0 ? 2
                                   : (lead & 0xF0) == 0xE0 ? 3
                                   : (lead & 0xF8) == 0xF0 ? 4
                                                           : 0;
        if (length == 0 || length > size - at) return false;
        std::uint32_t point = length == 1 ? lead : lead & (0x7FU >> length);
        for (std::size_t i = 1; i < length; ++i) {
            if ((text[at + i] & 0xC0) != 0x80) return false;
            point = point << 6 | (text[at + i] & 0x3F);
        }
        constexpr std::uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
        if (point < least[length] || point > 0x10FFFF) return false;
        if (point >= 0xD800 && point <= 0xDFFF) return false;
        at += length;
    }
    return true;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) return 0;
    const std::size_t step = data[0] + 1U;
    byte_view rest(reinterpret_cast<const std::byte*>(data) + 1, size - 1);
    const bool expected = valid_by_definition(data + 1, size - 1);
    require(validate_utf8(rest) == expected);
    utf8_stream stream;
    bool accepted = true;
    while (accepted && !rest.empty()) {
        const byte_view piece = rest.first(std::min(step, rest.size()));
        rest = rest.subspan(piece.size());
        accepted = stream.feed(piece);
    }
    require((accepted && stream.complete()) == expected);
    return 0;
}
