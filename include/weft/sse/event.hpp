#pragma once

#include <optional>
#include <string_view>

#include <weft/base/time.hpp>

namespace weft::sse {

/// One server-sent event, as `EventSource` in a browser gets it.
struct event {
    std::string_view data{};  ///< Any text. Its lines may end with CR, LF or CRLF.
    std::string_view name{};  ///< The event to listen for. Empty: "message".
    /// The browser sends it as `Last-Event-ID` when it reconnects. Empty: the last one stays.
    std::string_view id{};
    std::optional<duration> retry{};  ///< How long the browser waits before it reconnects.
};

}  // namespace weft::sse
