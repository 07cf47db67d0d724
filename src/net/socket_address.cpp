// Socket addresses. Only numeric forms are parsed here; names are resolved by the resolver.

#include <weft/net/socket_address.hpp>

#include <algorithm>
#include <array>
#include <cstring>

#include <arpa/inet.h>

#include "net/system_address.hpp"

namespace weft {
namespace {

const sockaddr_in& as_ipv4(const socket_address& address) noexcept {
    return *reinterpret_cast<const sockaddr_in*>(net::system_address::get(address));
}

const sockaddr_in6& as_ipv6(const socket_address& address) noexcept {
    return *reinterpret_cast<const sockaddr_in6*>(net::system_address::get(address));
}

}  // namespace

socket_address net::system_address::make(const void* address, std::size_t size) noexcept {
    socket_address made;
    static_assert(sizeof(sockaddr_un) <= sizeof made.bytes_);
    made.size_ = static_cast<std::uint32_t>(std::min(size, sizeof made.bytes_));
    std::memcpy(made.bytes_.data(), address, made.size_);
    return made;
}

result<socket_address> socket_address::make(std::string_view address, std::uint16_t port) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    const bool fits = address.size() < text.size() && address.find('\0') == address.npos;
    if (fits) std::copy(address.begin(), address.end(), text.begin());
    sockaddr_in v4{};
    if (fits && ::inet_pton(AF_INET, text.data(), &v4.sin_addr) == 1) {
        v4.sin_family = AF_INET;
        v4.sin_port = htons(port);
        return net::system_address::make(&v4, sizeof v4);
    }
    sockaddr_in6 v6{};
    if (fits && ::inet_pton(AF_INET6, text.data(), &v6.sin6_addr) == 1) {
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(port);
        return net::system_address::make(&v6, sizeof v6);
    }
    return error(errc::invalid_argument,
                 "'" + std::string(address) + "' is not a numeric IPv4 or IPv6 address");
}

result<socket_address> socket_address::make_unix(std::string_view path) {
    sockaddr_un address{};
    if (path.empty() || path.size() >= sizeof address.sun_path) {
        return error(errc::invalid_argument, "the path of a unix socket has 1 to " +
                                                 std::to_string(sizeof address.sun_path - 1) +
                                                 " bytes");
    }
    address.sun_family = AF_UNIX;
    std::copy(path.begin(), path.end(), address.sun_path);
    if (path.front() == '@') address.sun_path[0] = '\0';
    const auto size = offsetof(sockaddr_un, sun_path) + path.size() + (path.front() == '@' ? 0 : 1);
    return net::system_address::make(&address, size);
}

address_family socket_address::family() const noexcept {
    switch (net::system_address::family(*this)) {
        case AF_INET: return address_family::ipv4;
        case AF_INET6: return address_family::ipv6;
        case AF_UNIX: return address_family::unix_path;
        default: return address_family::none;
    }
}

std::string socket_address::address() const {
    std::array<char, INET6_ADDRSTRLEN> text{};
    switch (family()) {
        case address_family::ipv4:
            ::inet_ntop(AF_INET, &as_ipv4(*this).sin_addr, text.data(), text.size());
            return text.data();
        case address_family::ipv6:
            ::inet_ntop(AF_INET6, &as_ipv6(*this).sin6_addr, text.data(), text.size());
            return text.data();
        case address_family::unix_path: {
            constexpr auto before_path = offsetof(sockaddr_un, sun_path);
            if (size_ <= before_path) return {};
            const char* path = reinterpret_cast<const char*>(bytes_.data()) + before_path;
            if (path[0] == '\0') return "@" + std::string(path + 1, size_ - before_path - 1);
            return {path, strnlen(path, size_ - before_path)};
        }
        case address_family::none: break;
    }
    return {};
}

std::uint16_t socket_address::port() const noexcept {
    if (family() == address_family::ipv4) return ntohs(as_ipv4(*this).sin_port);
    if (family() == address_family::ipv6) return ntohs(as_ipv6(*this).sin6_port);
    return 0;
}

std::string socket_address::to_string() const {
    if (port() == 0 && family() != address_family::unix_path && family() != address_family::none)
        return address();
    switch (family()) {
        case address_family::ipv4: return address() + ":" + std::to_string(port());
        case address_family::ipv6: return "[" + address() + "]:" + std::to_string(port());
        case address_family::unix_path: return "unix:" + address();
        case address_family::none: break;
    }
    return "unknown";
}

bool socket_address::is_loopback() const noexcept {
    switch (family()) {
        case address_family::unix_path: return true;
        case address_family::ipv4: return ntohl(as_ipv4(*this).sin_addr.s_addr) >> 24U == 127;
        case address_family::ipv6: {
            const in6_addr& v6 = as_ipv6(*this).sin6_addr;
            return IN6_IS_ADDR_LOOPBACK(&v6) != 0 ||
                   (IN6_IS_ADDR_V4MAPPED(&v6) != 0 && v6.s6_addr[12] == 127);
        }
        case address_family::none: break;
    }
    return false;
}

std::optional<std::uint64_t> socket_address::network() const noexcept {
    if (family() == address_family::ipv4) return ntohl(as_ipv4(*this).sin_addr.s_addr);
    if (family() != address_family::ipv6) return std::nullopt;
    // The numbers of the two families do not meet: ::/32 is not given to anybody.
    const in6_addr& v6 = as_ipv6(*this).sin6_addr;
    const bool mapped = IN6_IS_ADDR_V4MAPPED(&v6) != 0;  // a client of a socket for both families
    const std::size_t first = mapped ? 12 : 0;
    const std::size_t last = mapped ? 16 : 8;
    std::uint64_t number = 0;
    for (std::size_t i = first; i < last; ++i) number = number << 8U | v6.s6_addr[i];
    return number;
}

}  // namespace weft
