#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include <weft/base/log.hpp>
#include <weft/base/printable.hpp>

namespace weft {

/// `append_printable` for a path, or for a namespace, which old clients of Socket.IO write with
/// their query: without the query, as there are tokens in it.
void append_path(std::string& out, std::string_view path, std::size_t most);

/// "2026-05-04T07:08:09.123Z warning ws: ..." and the end of the line; the time is UTC.
[[nodiscard]] std::string log_line(const log_record& record,
                                   std::chrono::system_clock::time_point when);

}  // namespace weft
