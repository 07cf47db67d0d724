#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include <weft/base/admission.hpp>
#include <weft/net/socket_address.hpp>

namespace weft {

class byte_budget;

/// Who is at the other end of a connection, and how much is kept for them. One object, which every
/// layer above the connection passes on.
///
/// **Threads**: its loop's. **Lifetime**: its connection's; an Engine.IO session, which outlives
/// connections, has one of its own. **Cost**: 48 bytes; what is rare is allocated when it is set.
class peer {
public:
    /// What is kept is charged to `memory`; null for one that nothing is kept for.
    peer(byte_budget* memory, const socket_address& address) noexcept;
    /// The same one, with an account of its own: on another loop, or beyond its connection.
    peer(byte_budget* memory, const peer& same);
    peer(peer&& other) noexcept;
    peer& operator=(peer&&) = delete;
    /// Gives back what is still charged.
    ~peer();

    /// Of a unix socket only the family is known.
    [[nodiscard]] socket_address address() const noexcept;
    /// True under TLS.
    [[nodiscard]] bool secure() const noexcept { return secure_; }
    /// Who it is, as the last admission that knew said; null while none did. Nothing happens by
    /// itself when `identity::expires` has passed.
    [[nodiscard]] const identity* who() const noexcept { return who_.get(); }
    /// For what finds out later than an admission, such as in the first message.
    void identify(identity who);

    /// Charges what is kept for this peer to its loop's budget: before it is kept, at what it costs
    /// with the allocator's share. False when there is no room; then keep nothing. An application
    /// may charge what it keeps, too. **Units**: bytes.
    [[nodiscard]] bool try_charge(std::size_t bytes) noexcept;
    /// For what is bounded elsewhere: it counts, whatever the limits.
    void charge(std::size_t bytes) noexcept;
    /// When it is freed; what was not released goes with the peer.
    void release(std::size_t bytes) noexcept;
    [[nodiscard]] std::size_t charged() const noexcept { return charged_; }

    /// For the stream that carries it.
    void set_secure() noexcept { secure_ = true; }

private:
    byte_budget* memory_;
    std::size_t charged_ = 0;
    std::unique_ptr<identity> who_;
    std::array<std::byte, 16> ip_{};  // of IPv4 the first 4
    std::uint32_t scope_ = 0;         // of link-local IPv6 addresses
    std::uint16_t port_ = 0;          // in network order
    std::uint8_t family_;
    bool secure_ = false;
};

}  // namespace weft
