// Socket addresses. Only numeric forms are parsed here; names are resolved by the resolver.

#include <weft/net/endpoint.hpp>

#include <algorithm>
#include <array>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

namespace weft {

result<endpoint> endpoint::make(std::string_view address, std::uint16_t port) {
    const std::string text(address);
    endpoint made;
    sockaddr_in v4{};
    if (::inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1) {
        v4.sin_family = AF_INET;
        v4.sin_port = htons(port);
        return from_raw(reinterpret_cast<const sockaddr*>(&v4), sizeof v4);
    }
    sockaddr_in6 v6{};
    if (::inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr) == 1) {
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(port);
        return from_raw(reinterpret_cast<const sockaddr*>(&v6), sizeof v6);
    }
    return error(errc::invalid_argument, "'" + text + "' is not a numeric IPv4 or IPv6 address");
}

result<endpoint> endpoint::make_unix(std::string_view path) {
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
    return from_raw(reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(size));
}

endpoint endpoint::from_raw(const sockaddr* address, socklen_t size) noexcept {
    endpoint made;
    made.size_ = std::min<socklen_t>(size, sizeof made.storage_);
    std::memcpy(&made.storage_, address, made.size_);
    return made;
}

std::string endpoint::address() const {
    std::array<char, INET6_ADDRSTRLEN> text{};
    switch (family()) {
        case AF_INET:
            ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(&storage_)->sin_addr,
                        text.data(), text.size());
            return text.data();
        case AF_INET6:
            ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(&storage_)->sin6_addr,
                        text.data(), text.size());
            return text.data();
        case AF_UNIX: {
            constexpr auto before_path = offsetof(sockaddr_un, sun_path);
            if (size_ <= before_path) return {};
            const char* path = reinterpret_cast<const sockaddr_un*>(&storage_)->sun_path;
            if (path[0] == '\0') return "@" + std::string(path + 1, size_ - before_path - 1);
            return {path, strnlen(path, size_ - before_path)};
        }
        default: return {};
    }
}

std::uint16_t endpoint::port() const noexcept {
    if (family() == AF_INET)
        return ntohs(reinterpret_cast<const sockaddr_in*>(&storage_)->sin_port);
    if (family() == AF_INET6)
        return ntohs(reinterpret_cast<const sockaddr_in6*>(&storage_)->sin6_port);
    return 0;
}

std::string endpoint::to_string() const {
    switch (family()) {
        case AF_INET: return address() + ":" + std::to_string(port());
        case AF_INET6: return "[" + address() + "]:" + std::to_string(port());
        case AF_UNIX: return "unix:" + address();
        default: return "unknown";
    }
}

bool endpoint::is_loopback() const noexcept {
    if (family() == AF_UNIX) return true;
    if (family() == AF_INET) {
        return ntohl(reinterpret_cast<const sockaddr_in*>(&storage_)->sin_addr.s_addr) >> 24U ==
               127;
    }
    if (family() != AF_INET6) return false;
    const in6_addr& v6 = reinterpret_cast<const sockaddr_in6*>(&storage_)->sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(&v6) != 0 ||
           (IN6_IS_ADDR_V4MAPPED(&v6) != 0 && v6.s6_addr[12] == 127);
}

}  // namespace weft
