#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include <weft/base/admission.hpp>
#include <weft/base/function_ref.hpp>
#include <weft/base/owned_ptr.hpp>
#include <weft/net/socket_address.hpp>

namespace weft {

class byte_budget;
namespace net {
class traffic_account;
class traffic_meter;
}  // namespace net

class peer;

namespace detail {

/// An identity, and its place among those of its loop.
struct known_peer {
    identity who;
    peer* owner = nullptr;
    known_peer* next = nullptr;
    known_peer* previous = nullptr;
};

}  // namespace detail

/// The peers of one loop that have an identity. For the library. **Threads**: the loop's.
class known_peers {
public:
    /// Ends now what these peers are admitted for, where `ends` says so. Returns how many.
    std::size_t expire(function_ref<bool(const identity&)> ends) noexcept;

private:
    friend class peer;
    detail::known_peer* first_ = nullptr;
};

/// The connection that a peer belongs to. For the library.
class peer_owner {
public:
    /// Where it is found by what it is known as.
    [[nodiscard]] virtual known_peers& peers() noexcept = 0;
    /// Where what is kept for the peer is charged.
    [[nodiscard]] virtual byte_budget& memory() noexcept = 0;
    /// The peer has a new identity, which may end at another time.
    virtual void on_identified() noexcept = 0;

protected:
    ~peer_owner() = default;
};

/// Who is at the other end of a connection, and how much memory we keep for it. There is one per
/// connection; all layers share it.
///
/// **Threads**: its loop's. **Lifetime**: its connection's. An Engine.IO session outlives its
/// connections and has its own. **Cost**: 56 bytes; an identity is allocated when set, and what
/// counts its traffic where that is limited.
class peer {
public:
    /// Charges go to the memory of `owner`. Null if nothing is kept for the peer.
    peer(peer_owner* owner, const socket_address& address) noexcept;
    /// A copy with its own account: for another loop, or to outlive the connection.
    peer(peer_owner* owner, const peer& original);
    peer(peer&& other) noexcept;
    peer& operator=(peer&&) = delete;
    /// Releases what is still charged.
    ~peer();

    /// For a unix socket, only the family is known. Behind a trusted proxy (see
    /// `http::options::trusted_proxies`) that of the client, with port 0.
    [[nodiscard]] socket_address address() const noexcept;
    /// True under TLS: ours, or that of the trusted proxy that a request came through.
    [[nodiscard]] bool secure() const noexcept { return secure_; }
    /// The identity from the last admission that had one, else null. When `identity::expires`
    /// passes, what is open ends: a WebSocket with close code 4001, an event stream, an Engine.IO
    /// session with its sockets. A plain HTTP request has its identity until the next one begins.
    [[nodiscard]] const identity* who() const noexcept {
        return who_ != nullptr ? &who_->who : nullptr;
    }
    /// Sets the identity. For code that learns it after the admission, for example from the first
    /// message.
    void identify(identity user);
    /// The same for who shows a newer proof of what it is: false, and nothing has changed, if it is
    /// somebody else.
    [[nodiscard]] bool renew(identity user);
    /// Makes it nobody.
    void forget() noexcept;

    /// Charges memory for this peer to the budget of its loop. Charge before you keep, with the
    /// overhead of the allocator. If it returns false there is no room: keep nothing. Applications
    /// may charge too. **Units**: bytes.
    [[nodiscard]] bool try_charge(std::size_t bytes) noexcept;
    /// Charges memory that is bounded elsewhere: it counts but cannot fail.
    void charge(std::size_t bytes) noexcept;
    /// Call it when you free the memory. The destructor releases the rest.
    void release(std::size_t bytes) noexcept;
    [[nodiscard]] std::size_t charged() const noexcept { return charged_; }

    /// For the library: what counts its traffic; null where nothing is limited.
    [[nodiscard]] net::traffic_account* traffic() const noexcept { return traffic_.get(); }
    /// For the library: makes it, unless it is there. `meter` may be null.
    net::traffic_account& count_traffic(net::traffic_meter* meter);
    /// For the library: takes over what `other` counts.
    void take_traffic(peer& other) noexcept;
    /// For the library: the stream sets them, and what a trusted proxy says about its client.
    void set_secure(bool secure = true) noexcept { secure_ = secure; }
    void set_address(const socket_address& address) noexcept;
    /// For the library: it came above `loop_budgets::connects_per_second`, so that it may only
    /// resume something.
    [[nodiscard]] bool only_resumes() const noexcept { return only_resumes_; }
    void set_only_resumes(bool only) noexcept { only_resumes_ = only; }

private:
    friend class known_peers;
    void keep(identity user);
    void leave_list() noexcept;

    peer_owner* owner_;
    std::size_t charged_ = 0;
    detail::owned_ptr<detail::known_peer> who_;
    detail::owned_ptr<net::traffic_account> traffic_;
    std::array<std::byte, 16> ip_{};  // of IPv4 the first 4
    std::uint32_t scope_ = 0;         // of link-local IPv6 addresses
    std::uint16_t port_ = 0;          // in network order
    std::uint8_t family_ = 0;
    bool secure_ : 1 = false;
    bool only_resumes_ : 1 = false;
};

}  // namespace weft
