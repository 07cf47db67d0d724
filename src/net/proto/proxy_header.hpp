#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <weft/base/bytes.hpp>

namespace weft::net {

/// Reads the header that a proxy puts in front of a connection to say whose it is: version 1, a
/// line of text, or version 2, binary. Byte by byte, so that nothing depends on how it is split.
///
/// What follows the addresses in version 2 (TLVs) is counted and dropped.
/// **See**: "The PROXY protocol, versions 1 & 2" (HAProxy), sections 2.1 and 2.2.
class proxy_header_parser {
public:
    /// A line of version 1 with its end.
    static constexpr std::size_t longest_line = 107;
    /// A header of version 2, with TLVs; the protocol allows 65,551 bytes.
    static constexpr std::size_t longest_binary = 4096;

    enum class status : std::uint8_t { incomplete, complete, failed };
    struct outcome {
        status what;
        std::size_t consumed;  ///< Of the bytes given; behind them the connection itself begins.
    };

    /// Goes on with what came. Not to be called again after `complete` or `failed`.
    [[nodiscard]] outcome parse(byte_view in);

    /// After `complete`: the client as the proxy wrote it, "192.0.2.1" or "2001:db8::1". In version
    /// 1 it may be no address, but has only digits, dots and colons of one. Empty when the proxy
    /// speaks for itself (`LOCAL`) or names no Internet address (`UNKNOWN`, a unix socket): the
    /// connection's own address counts then.
    [[nodiscard]] const std::string& address() const noexcept { return address_; }
    [[nodiscard]] std::uint16_t port() const noexcept { return port_; }
    [[nodiscard]] bool ipv6() const noexcept { return ipv6_; }

private:
    enum class kind : std::uint8_t { none, text, binary };

    [[nodiscard]] status take(std::byte next);
    [[nodiscard]] status take_line_byte();
    [[nodiscard]] status read_line();
    [[nodiscard]] status take_binary_byte();
    [[nodiscard]] status read_binary();
    [[nodiscard]] std::uint8_t byte_at(std::size_t index) const noexcept {
        return static_cast<std::uint8_t>(seen_[index]);
    }

    std::array<char, longest_line> seen_{};  // from the first byte
    std::size_t size_ = 0;                   // of the header, so far
    std::string address_;
    std::uint16_t port_ = 0;
    bool ipv6_ = false;
    kind kind_ = kind::none;
};

}  // namespace weft::net
