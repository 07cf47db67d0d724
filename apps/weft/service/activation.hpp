#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <weft/base/result.hpp>

namespace weft {

/// A socket that the service manager listens to on our behalf.
struct activated_socket {
    int fd = -1;
    std::string host;  ///< Numeric; empty for a unix socket.
    std::uint16_t port = 0;
};

/// The socket that the environment tells of (LISTEN_FDS, LISTEN_PID), which children do not
/// inherit; nothing when it tells of none. Before other threads begin. **Errors**: it is no stream
/// socket that listens, or there are several. **See** sd_listen_fds(3).
[[nodiscard]] result<std::optional<activated_socket>> take_activated_socket();

}  // namespace weft
