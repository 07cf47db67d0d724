#pragma once

#include <string_view>

#include <weft/base/error.hpp>
#include <weft/schema/schema.hpp>
#include <weft/socketio/value_io.hpp>

namespace weft::socketio::detail {

/// What acknowledges an event that failed: `{"error":{"code":"socketio.bad_argument",
/// "message":"..."}}`.
[[nodiscard]] encoded_arguments encode_error(const error& why);
/// The same for an event whose arguments break its schema: `{"error":{"code":
/// "socketio.bad_argument","message":"order: /0/price: maximum","path":"/0/price",
/// "rule":"maximum","kind":"number"}}`.
[[nodiscard]] encoded_arguments encode_violation(std::string_view event,
                                                 const schema::violation& wrong);
/// What the event `error` holds, for who asked for no acknowledgement: what is in `error` there,
/// and before it `"event":"order"`.
[[nodiscard]] encoded_arguments encode_violation_event(std::string_view event,
                                                       const schema::violation& wrong);

}  // namespace weft::socketio::detail
