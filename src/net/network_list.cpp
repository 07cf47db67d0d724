// Lists of networks, as options name them.

#include "net/network_list.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

#include "net/system_address.hpp"

namespace weft::net {
namespace {

constexpr std::string_view every_unix_socket = "unix";

error wrong(const std::string& text) {
    return {errc::invalid_argument, "'" + text +
                                        "' is neither a network, such as 10.0.0.0/8 or fd00::/8, "
                                        "nor an address, nor the word unix"};
}

/// The number behind the '/': digits, at most `most`.
std::optional<std::size_t> parse_prefix(std::string_view text, std::size_t most) noexcept {
    std::size_t bits = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, why] = std::from_chars(text.data(), end, bits);
    if (why != std::errc{} || stop != end || bits > most) return std::nullopt;
    return bits;
}

bool same_bits(const std::byte* a, const std::byte* b, std::size_t bits) noexcept {
    const std::size_t bytes = bits / 8;
    if (std::memcmp(a, b, bytes) != 0) return false;
    if (bits % 8 == 0) return true;
    return ((a[bytes] ^ b[bytes]) >> (8 - bits % 8)) == std::byte{};
}

}  // namespace

network_list::network network_list::bits_of(const socket_address& address) noexcept {
    network found;
    const sockaddr* const from = system_address::get(address);
    if (address.family() == address_family::ipv4) {
        std::memcpy(found.address.data(), &reinterpret_cast<const sockaddr_in*>(from)->sin_addr, 4);
        found.ipv4 = true;
    } else {
        const in6_addr& v6 = reinterpret_cast<const sockaddr_in6*>(from)->sin6_addr;
        found.ipv4 = IN6_IS_ADDR_V4MAPPED(&v6) != 0;
        const std::size_t skip = found.ipv4 ? 12 : 0;
        std::memcpy(found.address.data(), v6.s6_addr + skip, sizeof v6.s6_addr - skip);
    }
    found.bits = found.ipv4 ? 32 : 128;
    return found;
}

result<network_list> network_list::make(std::span<const std::string> texts) {
    network_list made;
    for (const std::string& text : texts) {
        if (text == every_unix_socket) {
            made.unix_ = true;
            continue;
        }
        const std::string_view all = text;
        const std::size_t slash = std::min(all.find('/'), all.size());
        const auto address = socket_address::make(all.substr(0, slash), 0);
        if (!address) return wrong(text);
        network& added = made.networks_.emplace_back(bits_of(*address));
        if (slash == all.size()) continue;
        const bool mapped = added.ipv4 && address->family() == address_family::ipv6;
        const std::size_t ahead = mapped ? 96 : 0;  // of the prefix, which is of all 128 bits
        const auto bits = parse_prefix(all.substr(slash + 1), ahead + added.bits);
        if (!bits || *bits < ahead) return wrong(text);
        added.bits = *bits - ahead;
    }
    return made;
}

bool network_list::has(const socket_address& address) const noexcept {
    const address_family family = address.family();
    if (family == address_family::unix_path) return unix_;
    if (networks_.empty() || family == address_family::none) return false;
    const network one = bits_of(address);
    return std::any_of(networks_.begin(), networks_.end(), [&](const network& n) {
        return n.ipv4 == one.ipv4 && same_bits(n.address.data(), one.address.data(), n.bits);
    });
}

}  // namespace weft::net
