#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <sys/socket.h>

#include <weft/base/result.hpp>

namespace weft {

/// A socket address: IPv4, IPv6 or the path of a unix socket.
class endpoint {
public:
    endpoint() noexcept = default;

    /// From a numeric address, without asking any name server. **Errors**:
    /// `errc::invalid_argument`.
    static result<endpoint> make(std::string_view address, std::uint16_t port);
    /// A unix socket. A leading '@' means the abstract namespace. **Errors**: too long for the
    /// system.
    static result<endpoint> make_unix(std::string_view path);
    static endpoint from_raw(const sockaddr* address, socklen_t size) noexcept;

    [[nodiscard]] int family() const noexcept { return storage_.ss_family; }
    [[nodiscard]] const sockaddr* raw() const noexcept {
        return reinterpret_cast<const sockaddr*>(&storage_);
    }
    [[nodiscard]] socklen_t raw_size() const noexcept { return size_; }

    /// The address without the port: "127.0.0.1", "::1", or the unix path.
    [[nodiscard]] std::string address() const;
    /// 0 for unix sockets.
    [[nodiscard]] std::uint16_t port() const noexcept;
    /// "127.0.0.1:80", "[::1]:80" or "unix:/path".
    [[nodiscard]] std::string to_string() const;
    [[nodiscard]] bool is_loopback() const noexcept;

private:
    sockaddr_storage storage_{};
    socklen_t size_ = 0;
};

}  // namespace weft
