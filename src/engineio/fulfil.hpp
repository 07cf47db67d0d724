#pragma once

#include "engineio/pending_request.hpp"

namespace weft::engineio {

/// Does what a request asks for that has passed all checks, and answers it: begins a session,
/// polls, takes a POST, opens a WebSocket.
void fulfil(pending_request& q);

}  // namespace weft::engineio
