// A type without a codec has no JSON form; one line says so.
// error: weft: this type has no JSON form

#include <string>

#include <weft/socketio/json.hpp>

namespace {

struct order {
    int size = 0;
};
#ifndef WEFT_SHOULD_FAIL
WEFT_FIELDS(order, size)
#endif

std::string use() {
    return weft::to_json(order());
}

}  // namespace
