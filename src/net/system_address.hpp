#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <weft/net/socket_address.hpp>

namespace weft::net {

/// A `socket_address` as the system's calls take and give it. Public headers know nothing of
/// these types.
struct system_address {
    static const sockaddr* get(const socket_address& address) noexcept {
        return reinterpret_cast<const sockaddr*>(address.bytes_.data());
    }
    static socklen_t size(const socket_address& address) noexcept { return address.size_; }
    static sa_family_t family(const socket_address& address) noexcept {
        return get(address)->sa_family;
    }
    /// Cuts off what no known kind of address has.
    static socket_address make(const void* address, std::size_t size) noexcept;
};

}  // namespace weft::net
