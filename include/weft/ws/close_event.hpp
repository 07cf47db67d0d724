#pragma once

#include <string_view>
#include <system_error>

#include <weft/ws/close_code.hpp>

namespace weft::ws {

/// How a connection ended. **Lifetime**: the reason is valid during `on_close`.
struct close_event {
    /// What the peer's close frame said; `no_status` when it carried no code, `abnormal` when there
    /// was none.
    close_code code = close_code::abnormal;
    std::string_view reason;
    /// Both close frames were exchanged.
    bool clean = false;
    /// Why this side considers it over: none for a clean end, a `ws::errc` for what the peer did
    /// wrong, `weft::errc::timed_out`, `weft::errc::closed_by_peer`, or the system's error.
    std::error_code cause;
};

}  // namespace weft::ws
