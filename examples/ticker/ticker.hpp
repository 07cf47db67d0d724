#pragma once

#include <weft/server/server.hpp>
#include <weft/socketio/space.hpp>

namespace examples {

/// Lets a namespace of the server tell invented prices: `watch` with a list of symbols is
/// acknowledged with their quotes, and `quote` follows four times a second for each.
/// **Threads**: call it before the server runs. **Lifetime**: of what it makes, the server's.
void serve_ticker(weft::server& server, weft::socketio::space& io);

}  // namespace examples
