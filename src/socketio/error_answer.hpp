#pragma once

#include <weft/base/error.hpp>
#include <weft/socketio/value_io.hpp>

namespace weft::socketio::detail {

/// What acknowledges an event that failed: `{"error":{"code":"socketio.bad_argument",
/// "message":"..."}}`.
[[nodiscard]] encoded_arguments encode_error(const error& why);

}  // namespace weft::socketio::detail
