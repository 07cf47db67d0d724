#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <weft/base/result.hpp>

namespace weft {

/// Where to accept connections. Use exactly one of: host and port, `unix_path`, `adopt_fd`.
struct listen_options {
    /// A numeric address. "0.0.0.0" is every IPv4 address, "::" every address of both families.
    std::string host = "127.0.0.1";
    /// 0 picks a free port; `server::listen` returns which.
    std::uint16_t port = 0;
    /// A unix socket. A leading '@' means the abstract namespace. If the file exists and nobody
    /// listens on it, it is replaced; the socket of a living process is never replaced.
    std::string unix_path{};
    /// The permission bits of the socket file, such as 0660: who may connect. Unset: as the umask
    /// says.
    std::optional<unsigned> unix_mode{};
    /// The group of the socket file, by name or number. Empty: that of the process.
    std::string unix_group{};
    /// A listening descriptor from systemd or a parent process. Weft takes ownership of it.
    int adopt_fd = -1;
    /// How many connections the kernel may hold until they are accepted.
    int backlog = 4096;
    /// Several loops listen on this port, each on its own socket (SO_REUSEPORT). The kernel spreads
    /// new connections over them.
    bool share_port = false;
    /// The networks of the proxies whose connections begin with a PROXY header (version 1 or 2),
    /// before TLS; see `http::options::trusted_proxies`. Connections from elsewhere, and without
    /// the header, are closed. Empty: connections have no such header.
    std::vector<std::string> proxy_protocol_from{};

    /// **Errors**: `invalid_argument`. Says which option is wrong and what it may be.
    [[nodiscard]] result<void> check() const;
};

}  // namespace weft
