#pragma once

#include <weft/base/result.hpp>

namespace weft::http {
class router;
}
namespace weft::engineio {
class engine;
}

namespace weft::socketio {

/// Routes for the official client and its licence, under the path of the server:
/// `socket.io.js`, `socket.io.min.js`, `socket.io.esm.min.js`, `socket.io.msgpack.min.js`, and a
/// `.map` for each. Where the library was built without them they answer 404 and say so. Pages of
/// other origins may use them as `engine`'s options for CORS say. **Lifetime**: of `engine`, the
/// router's.
[[nodiscard]] result<void> add_client_bundle(http::router& routes, const engineio::engine& engine);

}  // namespace weft::socketio
