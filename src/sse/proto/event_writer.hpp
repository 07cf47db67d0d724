#pragma once

#include <string>
#include <string_view>

#include <weft/sse/event.hpp>

namespace weft::sse {

/// Appends the event as it stands in an event stream. A line end in a name or id, and a NUL in an
/// id, would say something else: such a field is left out. **See**: HTML, section 9.2.6.
void append_event(std::string& out, const event& what);

}  // namespace weft::sse
