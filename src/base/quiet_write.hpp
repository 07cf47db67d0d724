#pragma once

#include <string_view>

namespace weft {

/// `write(2)` for descriptors that may be pipes or sockets of others. A reader that is gone is no
/// reason for a SIGPIPE, and the process' disposition of that signal, which is the user's, stays as
/// it is.
void quiet_write(int fd, std::string_view bytes) noexcept;

}  // namespace weft
