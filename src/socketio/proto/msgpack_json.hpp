#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <weft/base/bytes.hpp>
#include <weft/socketio/error.hpp>

#include "socketio/proto/msgpack.hpp"

namespace weft::socketio {

/// The binary values of a msgpack value, in their order.
struct attachment_list {
    std::vector<byte_view> found;  ///< Views into the msgpack.
    std::size_t max = 0;           ///< How many it takes; more are an error.
};

/// Appends the next msgpack value as JSON, nothing if it is `undefined`. Dates become ISO 8601
/// texts, undefined members are left out, NaN and infinities become `null`, extensions an array of
/// type and bytes. Binary values become placeholders, or base64 texts if there is no list of
/// attachments. UTF-8 is not checked.
/// **Errors**: `errc{}` is success; after an error a part may have been appended.
/// **Cost**: linear; at most 8 bytes for each byte of msgpack, besides placeholders.
[[nodiscard]] errc append_json(std::string& out, msgpack_reader& in, attachment_list* attachments);

/// Appends a JSON text as msgpack; placeholders of `attachments` become binary values.
/// **Errors**: false if it is no valid JSON, for example too deep; then nothing is appended.
/// **Cost**: linear.
[[nodiscard]] bool append_msgpack(std::string& out, std::string_view json,
                                  std::span<const byte_view> attachments);

}  // namespace weft::socketio
