// A peer's address is kept as small as it can be: a socket address has room for the longest path,
// and there is one peer for every connection.

#include <weft/net/peer.hpp>

#include <cstring>
#include <utility>

#include "base/byte_budget.hpp"
#include "base/heap_cost.hpp"
#include "net/system_address.hpp"
#include "net/traffic_meter.hpp"

namespace weft {

using net::system_address;

namespace {

std::size_t cost_of(const identity& user) noexcept {
    return heap_cost_of<detail::known_peer> + heap_cost(user.subject) + heap_cost(user.claims);
}

}  // namespace

static_assert(sizeof(peer) == 56, "there is one for every connection");

peer::peer(peer_owner* owner, const socket_address& address) noexcept : owner_(owner) {
    set_address(address);
}

void peer::set_address(const socket_address& address) noexcept {
    family_ = static_cast<std::uint8_t>(system_address::family(address));
    scope_ = 0;
    port_ = 0;
    if (family_ == AF_INET) {
        const auto* v4 = reinterpret_cast<const sockaddr_in*>(system_address::get(address));
        std::memcpy(ip_.data(), &v4->sin_addr, sizeof v4->sin_addr);
        port_ = v4->sin_port;
    } else if (family_ == AF_INET6) {
        const auto* v6 = reinterpret_cast<const sockaddr_in6*>(system_address::get(address));
        std::memcpy(ip_.data(), &v6->sin6_addr, sizeof v6->sin6_addr);
        port_ = v6->sin6_port;
        scope_ = v6->sin6_scope_id;
    }
}

peer::peer(peer_owner* owner, const peer& same)
    : owner_(owner),
      ip_(same.ip_),
      scope_(same.scope_),
      port_(same.port_),
      family_(same.family_),
      secure_(same.secure_),
      only_resumes_(same.only_resumes_) {
    if (same.traffic_ != nullptr) {
        traffic_ = std::make_unique<net::traffic_account>(*same.traffic_);
        charge(heap_cost_of<net::traffic_account>);
    }
    if (same.who_ != nullptr) keep(same.who_->who);
}

peer::peer(peer&& other) noexcept
    : owner_(other.owner_),
      charged_(std::exchange(other.charged_, 0)),
      who_(std::move(other.who_)),
      traffic_(std::move(other.traffic_)),
      ip_(other.ip_),
      scope_(other.scope_),
      port_(other.port_),
      family_(other.family_),
      secure_(other.secure_),
      only_resumes_(other.only_resumes_) {
    if (who_ != nullptr) who_->owner = this;
}

peer::~peer() {
    leave_list();
    if (charged_ != 0) release(charged_);
}

socket_address peer::address() const noexcept {
    if (family_ == AF_INET) {
        sockaddr_in v4{};
        v4.sin_family = AF_INET;
        v4.sin_port = port_;
        std::memcpy(&v4.sin_addr, ip_.data(), sizeof v4.sin_addr);
        return system_address::make(&v4, sizeof v4);
    }
    if (family_ == AF_INET6) {
        sockaddr_in6 v6{};
        v6.sin6_family = AF_INET6;
        v6.sin6_port = port_;
        v6.sin6_scope_id = scope_;
        std::memcpy(&v6.sin6_addr, ip_.data(), sizeof v6.sin6_addr);
        return system_address::make(&v6, sizeof v6);
    }
    const sa_family_t unnamed = AF_UNIX;
    return system_address::make(&unnamed, sizeof unnamed);
}

void peer::identify(identity user) {
    keep(std::move(user));
    if (traffic_ != nullptr) traffic_->set_subject(who_->who.subject);
    if (owner_ != nullptr) owner_->on_identified();
}

bool peer::renew(identity user) {
    if (who_ == nullptr || who_->who.subject != user.subject) return false;
    identify(std::move(user));
    return true;
}

/// In place of what was known before.
void peer::keep(identity user) {
    auto made = std::make_unique<detail::known_peer>();
    made->who = std::move(user);
    made->owner = this;
    leave_list();
    if (who_ != nullptr) release(cost_of(who_->who));
    who_ = std::move(made);
    charge(cost_of(who_->who));
    if (owner_ == nullptr) return;
    detail::known_peer*& first = owner_->peers().first_;
    who_->next = first;
    if (first != nullptr) first->previous = who_.get();
    first = who_.get();
}

void peer::leave_list() noexcept {
    if (who_ == nullptr || owner_ == nullptr) return;
    if (who_->next != nullptr) who_->next->previous = who_->previous;
    (who_->previous != nullptr ? who_->previous->next : owner_->peers().first_) = who_->next;
}

std::size_t known_peers::expire(function_ref<bool(const identity&)> ends) noexcept {
    std::size_t ended = 0;
    for (detail::known_peer *each = first_, *next = nullptr; each != nullptr; each = next) {
        next = each->next;
        if (each->who.expires == time_point::min() || !ends(each->who)) continue;
        each->who.expires = time_point::min();
        each->owner->owner_->on_identified();  // it schedules its end
        ++ended;
    }
    return ended;
}

void peer::forget() noexcept {
    if (who_ == nullptr) return;
    leave_list();
    release(cost_of(who_->who));
    who_ = nullptr;
    if (traffic_ != nullptr) traffic_->set_subject({});
}

net::traffic_account& peer::count_traffic(net::traffic_meter* meter) {
    if (traffic_ == nullptr) {
        traffic_ = std::make_unique<net::traffic_account>(meter);
        charge(heap_cost_of<net::traffic_account>);
    }
    return *traffic_;
}

void peer::take_traffic(peer& other) noexcept {
    if (other.traffic_ == nullptr) return;
    if (traffic_ == nullptr) charge(heap_cost_of<net::traffic_account>);
    traffic_ = std::move(other.traffic_);
    other.release(heap_cost_of<net::traffic_account>);
}

bool peer::try_charge(std::size_t bytes) noexcept {
    if (owner_ == nullptr || !owner_->memory().try_charge(bytes)) return false;
    charged_ += bytes;
    return true;
}

void peer::charge(std::size_t bytes) noexcept {
    if (owner_ == nullptr) return;
    owner_->memory().charge(bytes);
    charged_ += bytes;
}

void peer::release(std::size_t bytes) noexcept {
    if (owner_ == nullptr) return;
    owner_->memory().release(bytes);
    charged_ -= bytes;
}

}  // namespace weft
