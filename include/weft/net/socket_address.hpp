#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <weft/base/result.hpp>

namespace weft {
namespace net {
struct system_address;
}

enum class address_family : std::uint8_t {
    none,  ///< Made by default, or of an unknown kind.
    ipv4,
    ipv6,
    unix_path,
};

/// A socket address: IPv4, IPv6 or the path of a unix socket.
class socket_address {
public:
    socket_address() noexcept = default;

    /// From a numeric address. Asks no name server. **Errors**: `errc::invalid_argument`.
    static result<socket_address> make(std::string_view address, std::uint16_t port);
    /// A unix socket. A leading '@' means the abstract namespace. **Errors**: too long for the
    /// system.
    static result<socket_address> make_unix(std::string_view path);

    [[nodiscard]] address_family family() const noexcept;
    /// The address without the port: "127.0.0.1", "::1", or the unix path.
    [[nodiscard]] std::string address() const;
    /// 0 for unix sockets.
    [[nodiscard]] std::uint16_t port() const noexcept;
    /// "127.0.0.1:80", "[::1]:80" or "unix:/path"; without a port (0) as `address`.
    [[nodiscard]] std::string to_string() const;
    [[nodiscard]] bool is_loopback() const noexcept;
    /// A number for the IPv4 address (also if mapped to IPv6) or for the /64 of an IPv6 address.
    /// Limits per client count by it. Nothing for unix sockets.
    [[nodiscard]] std::optional<std::uint64_t> network() const noexcept;

private:
    friend struct net::system_address;

    // What the system calls `sockaddr`, up to its largest kind, that of unix sockets.
    alignas(std::uint64_t) std::array<std::byte, 112> bytes_{};
    std::uint32_t size_ = 0;
};

}  // namespace weft
