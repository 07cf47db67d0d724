// Replaces what is not UTF-8. `utf8_stream` fails at the first byte that cannot stand where it is:
// what came before it in the same character is one maximal subpart, and the byte itself is looked
// at anew, as the beginning of the next.

#include "socketio/utf8_repair.hpp"

#include <weft/base/utf8.hpp>

namespace weft::socketio::detail {
namespace {

constexpr std::string_view replacement = "\xef\xbf\xbd";

}  // namespace

std::string repaired_utf8(std::string_view text) {
    std::string out;
    out.reserve(text.size() + replacement.size());
    utf8_stream stream;
    std::size_t begun = 0;  // where the open character began
    for (std::size_t position = 0; position < text.size(); ++position) {
        if (stream.feed(as_bytes(text.substr(position, 1)))) {
            if (!stream.complete()) continue;
            out.append(text, begun, position + 1 - begun);
            begun = position + 1;
            continue;
        }
        stream.reset();
        out += replacement;
        if (begun != position) --position;  // cut short by this byte, which may begin the next
        begun = position + 1;
    }
    if (begun != text.size()) out += replacement;
    return out;
}

}  // namespace weft::socketio::detail
