#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <weft/base/result.hpp>
#include <weft/net/socket_address.hpp>

namespace weft::net {

/// Networks, and whether an address is in one of them. An IPv4 address that is mapped to IPv6 is an
/// IPv4 address here, and no IPv6 network has IPv4 addresses.
/// **Threads**: any, once made. **Cost**: a lookup compares with one network after the other.
class network_list {
public:
    /// Of `10.0.0.0/8`, `192.0.2.1`, `fd00::/8` and so on, and `unix` for every unix socket. Bits
    /// behind a prefix do not count. **Errors**: `errc::invalid_argument`, with the text that is
    /// wrong and what it may be.
    static result<network_list> make(std::span<const std::string> texts);

    [[nodiscard]] bool has(const socket_address& address) const noexcept;
    [[nodiscard]] bool empty() const noexcept { return networks_.empty() && !unix_; }

private:
    struct network {
        std::array<std::byte, 16> address{};
        std::size_t bits = 0;  // that count
        bool ipv4 = false;     // the first 4 bytes
    };
    static network bits_of(const socket_address& address) noexcept;

    std::vector<network> networks_;
    bool unix_ = false;
};

}  // namespace weft::net
