// What from_json gives outlives the text, so it owns its data.
// error: weft: from_json gives types that own their data

#include <string>
#include <string_view>
#include <vector>

#include <weft/socketio/json.hpp>

namespace {

#ifdef WEFT_SHOULD_FAIL
using text = std::string_view;
#else
using text = std::string;
#endif

bool use() {
    return bool(weft::from_json<std::vector<text>>("[]"));
}

}  // namespace
