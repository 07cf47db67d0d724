// An awaited answer outlives the text that it was read from.
// error: weft: an acknowledgement outlives what it was read from

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

bool use(const weft::socketio::raw_arguments& answer) {
    return weft::socketio::detail::decode_ack<text>(answer).has_value();
}

}  // namespace
