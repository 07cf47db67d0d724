// Who is late with its first request. Invariant: `all_` is the sum of `by_address_`, which holds no
// address without a connection, so its size is bounded by the connections that are open.

#include "net/handshake_gate.hpp"

#include <algorithm>
#include <span>

namespace weft::net {
namespace {

/// Within this time, as many are told to come back as may be late.
constexpr std::chrono::seconds soon(5);

}  // namespace

handshake_gate::handshake_gate(limits most) noexcept
    : most_(most), comebacks_(static_cast<double>(most.total) / soon.count(), soon) {}

duration handshake_gate::stay_away(time_point now) noexcept {
    if (late_.load(std::memory_order_relaxed) < most_.total) return soon;
    return comebacks_.next(now);
}

std::size_t handshake_gate::key_hash::operator()(std::uint64_t address) const noexcept {
    return siphash_1_3(key, std::as_bytes(std::span(&address, 1)));
}

handshake_gate::verdict handshake_gate::judge(const socket_address& peer) {
    if (late_.load(std::memory_order_relaxed) < std::min(most_.per_address, most_.total))
        return verdict::welcome;
    const auto key = peer.network();
    if (!key) return verdict::welcome;
    const std::lock_guard lock(mutex_);
    const auto found = by_address_.find(*key);
    const counts here = found != by_address_.end() ? found->second : counts{};
    if (here.late < most_.per_address && all_.late < most_.total) return verdict::welcome;
    if (here.refused < most_.per_address && all_.refused < most_.total) return verdict::turn_away;
    return verdict::cut_off;
}

bool handshake_gate::may_turn_away(const socket_address& peer) {
    const auto key = peer.network();
    if (!key) return true;
    const std::lock_guard lock(mutex_);
    const auto found = by_address_.find(*key);
    const std::size_t refused_here = found != by_address_.end() ? found->second.refused : 0;
    return refused_here < most_.per_address && all_.refused < most_.total;
}

handshake_gate::place handshake_gate::enter(const socket_address& peer, kind what) {
    const auto key = peer.network();
    if (!key) return {};
    const std::lock_guard lock(mutex_);
    ++by_address_[*key].of(what);
    ++all_.of(what);
    late_.store(all_.late, std::memory_order_relaxed);
    return {*this, *key, what};
}

void handshake_gate::leave(std::uint64_t key, kind what) noexcept {
    const std::lock_guard lock(mutex_);
    const auto found = by_address_.find(key);
    --found->second.of(what);
    --all_.of(what);
    if (found->second.late == 0 && found->second.refused == 0) by_address_.erase(found);
    late_.store(all_.late, std::memory_order_relaxed);
}

}  // namespace weft::net
