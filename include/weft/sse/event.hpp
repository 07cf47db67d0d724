#pragma once

#include <optional>
#include <string_view>

#include <weft/base/time.hpp>

namespace weft::sse {

/// One server-sent event, as `EventSource` in a browser gets it.
struct event {
    std::string_view data{};  ///< Any text; its lines may end in any way.
    std::string_view name{};  ///< What to listen for; empty: "message".
    /// What the browser sends as `Last-Event-ID` when it comes again; empty: as it was.
    std::string_view id{};
    std::optional<duration> retry{};  ///< When to come again after the end.
};

}  // namespace weft::sse
