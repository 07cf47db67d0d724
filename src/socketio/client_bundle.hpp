#pragma once

#include <string_view>

#include <weft/base/result.hpp>

namespace weft::http {
class router;
}

namespace weft::socketio {

/// Routes for the official client and its licence, under the path of the server:
/// `socket.io.js`, `socket.io.min.js`, `socket.io.esm.min.js`, `socket.io.msgpack.min.js`, and a
/// `.map` for each. Where the library was built without them they answer 404 and say so.
[[nodiscard]] result<void> add_client_bundle(http::router& to, std::string_view path);

}  // namespace weft::socketio
