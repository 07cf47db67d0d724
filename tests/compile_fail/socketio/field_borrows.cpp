// A structure is kept, so its members own what they hold.
// error: weft: a field in WEFT_FIELDS owns its data

#include <string>
#include <string_view>

#include <weft/socketio/detail/typed.hpp>

namespace {

struct peer_ref {};
struct peer {
    using ref_type = peer_ref;
    peer_ref ref() { return {}; }
};

#ifdef WEFT_SHOULD_FAIL
using text = std::string_view;
#else
using text = std::string;
#endif
struct line {
    text content;
};
WEFT_FIELDS(line, content)

std::string use() {
    return weft::socketio::detail::encode_arguments(line()).json;
}

}  // namespace
