#pragma once

#include <weft/socketio/space.hpp>

namespace examples {

/// Lets a namespace tell invented prices: `watch` with a list of symbols is acknowledged with their
/// quotes, and `quote` follows four times a second for each. Prices run from the first client on.
/// **Threads**: call it before the server runs. **Lifetime**: of what it makes, the server's.
void serve_ticker(weft::socketio::space& io);

}  // namespace examples
