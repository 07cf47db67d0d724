#pragma once

#include <weft/socketio/space.hpp>

namespace examples {

/// Lets the clients of a namespace write one text together. The server keeps a log of their updates
/// and never looks into one: it is the clients' library (Yjs in shared_text.js) that merges them,
/// in any order, to the same text. What is said:
///
/// | event | from | arguments | acknowledgement |
/// |---|---|---|---|
/// | `update` | server | number, bytes: one entry of the log, to all but who wrote it | |
/// | `synced` | server | number of the last entry; follows the whole log after connecting | |
/// | `people` | server | how many are connected | |
/// | `update` | client | bytes | its number, and whether the log wants to be compacted |
/// | `compact` | client | number, bytes that stand for the log up to there | whether it was taken |
///
/// The log is bounded; what does not fit is refused. Everyone who may write may also delete all of
/// it, so who connects must be trusted that far.
/// **Threads**: call it before the server runs. **Lifetime**: of what it makes, the server's.
void serve_shared_text(weft::socketio::space& io);

/// Asks the other servers of a cluster for what this one may have missed.
void ask_for_shared_text(weft::socketio::space& io);

}  // namespace examples
