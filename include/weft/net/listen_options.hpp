#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include <weft/base/result.hpp>

namespace weft {

/// Where to accept connections. Exactly one of the three ways: host and port, `unix_path`, or
/// `adopt_fd`.
struct listen_options {
    /// A numeric address. "0.0.0.0" is every IPv4 address, "::" every address of both families.
    std::string host = "127.0.0.1";
    /// 0 picks a free port; the result of `server::listen` says which.
    std::uint16_t port = 0;
    /// A unix socket; a leading '@' is the abstract namespace. The file of a socket that nobody
    /// listens on any more is replaced, that of a living one never.
    std::string unix_path{};
    /// Who may connect to the socket file: its permission bits, such as 0660. Unset: what the umask
    /// leaves.
    std::optional<unsigned> unix_mode{};
    /// The group of the socket file, by name or number. Empty: the process'.
    std::string unix_group{};
    /// A listening descriptor made by somebody else (systemd, a parent process); ownership passes
    /// to us.
    int adopt_fd = -1;
    /// Connections the kernel may hold until they are accepted.
    int backlog = 4096;
    /// Several loops listen on this port, each with a socket of its own (SO_REUSEPORT); the kernel
    /// spreads new connections over them.
    bool share_port = false;

    /// **Errors**: `invalid_argument`; which option is wrong, and what it may be.
    [[nodiscard]] result<void> check() const;
};

}  // namespace weft
