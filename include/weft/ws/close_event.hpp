#pragma once

#include <string_view>
#include <system_error>

#include <weft/ws/close_code.hpp>

namespace weft::ws {

/// How a connection ended. **Lifetime**: the reason is valid during `on_close`.
struct close_event {
    /// The code of the peer's close frame. `no_status` if the frame had no code, `abnormal` if
    /// there was no frame.
    close_code code = close_code::abnormal;
    std::string_view reason;
    /// Whether both close frames were exchanged.
    bool clean = false;
    /// Why this side ended it: none after a clean end, a `ws::errc` if the peer did something
    /// wrong, `weft::errc::timed_out`, `weft::errc::closed_by_peer`, or the system's error.
    std::error_code cause;
};

}  // namespace weft::ws
