#pragma once

#include <cstdint>
#include <string>

namespace weft {

/// Where to accept connections. Exactly one of the three ways: host and port, `unix_path`, or
/// `adopt_fd`.
struct listen_options {
    /// A numeric address. "0.0.0.0" is every IPv4 address, "::" every address of both families.
    std::string host = "127.0.0.1";
    /// 0 picks a free port; the result of `server::listen` says which.
    std::uint16_t port = 0;
    /// A unix socket; a leading '@' is the abstract namespace. A stale socket file is replaced.
    std::string unix_path{};
    /// A listening descriptor made by somebody else (systemd, a parent process); ownership passes
    /// to us.
    int adopt_fd = -1;
    /// Connections the kernel may hold until they are accepted.
    int backlog = 4096;
    /// Several loops listen on this port, each with a socket of its own (SO_REUSEPORT); the kernel
    /// spreads new connections over them.
    bool share_port = false;
};

}  // namespace weft
