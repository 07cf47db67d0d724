#pragma once

#include <string>

#include <weft/socketio/detail/handlers.hpp>
#include <weft/socketio/socket_ref.hpp>

#include "auth/gate.hpp"
#include "socketio/core.hpp"

namespace weft::socketio::detail {

/// The middleware of `space::require`.
[[nodiscard]] middleware make_token_guard(auth::gate door);
/// The event with which a client brings a newer token.
[[nodiscard]] event_handler make_token_refresh(auth::gate door);

}  // namespace weft::socketio::detail
