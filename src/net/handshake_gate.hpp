#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <unordered_map>
#include <utility>

#include <weft/base/time.hpp>
#include <weft/net/socket_address.hpp>

#include "base/siphash.hpp"
#include "net/comebacks.hpp"

namespace weft::net {

/// Counts the connections of all loops that keep us waiting for their first request, by address,
/// and says what to do with a new one. An address is an IPv4 address or the /64 of an IPv6 one;
/// unix sockets are not counted.
///
/// A connection whose request comes promptly never appears here, so the mutex is only ever taken
/// while somebody is late.
/// **Threads**: any. **Lifetime**: outlives its places.
class handshake_gate {
public:
    struct limits {
        std::size_t per_address;
        std::size_t total;
    };
    enum class verdict : std::uint8_t {
        welcome,
        turn_away,  ///< Too many are late: refuse it with an answer.
        cut_off,    ///< As many again are being refused: close it at once.
    };
    enum class kind : std::uint8_t { late, refused };

    /// One counted connection; given back when destroyed.
    class place {
    public:
        place() noexcept = default;
        place(place&& other) noexcept
            : gate_(std::exchange(other.gate_, nullptr)), key_(other.key_), kind_(other.kind_) {}
        place& operator=(place&& other) noexcept {
            std::swap(gate_, other.gate_);
            std::swap(key_, other.key_);
            std::swap(kind_, other.kind_);
            return *this;
        }
        ~place() {
            if (gate_ != nullptr) gate_->leave(key_, kind_);
        }
        explicit operator bool() const noexcept { return gate_ != nullptr; }

    private:
        friend class handshake_gate;
        place(handshake_gate& gate, std::uint64_t key, kind what) noexcept
            : gate_(&gate), key_(key), kind_(what) {}

        handshake_gate* gate_ = nullptr;
        std::uint64_t key_ = 0;
        kind kind_ = kind::late;
    };

    explicit handshake_gate(limits most) noexcept;
    handshake_gate(const handshake_gate&) = delete;
    handshake_gate& operator=(const handshake_gate&) = delete;

    /// For a connection that was just accepted.
    [[nodiscard]] verdict judge(const socket_address& peer);
    /// Whether one more may be refused with an answer.
    [[nodiscard]] bool may_turn_away(const socket_address& peer);
    /// How long one that is refused now should stay away. If the limit in all is met, each is told
    /// a later time than the one before, so that they do not come back together.
    [[nodiscard]] duration stay_away(time_point now) noexcept;
    /// Counts a connection; empty for a unix socket.
    [[nodiscard]] place enter(const socket_address& peer, kind what);

private:
    struct counts {
        counts() noexcept : late(0), refused(0) {}
        std::size_t late, refused;
        std::size_t& of(kind what) noexcept { return what == kind::late ? late : refused; }
    };
    struct key_hash {
        key_hash() noexcept : key(siphash_key::of_process()) {}
        siphash_key key;
        std::size_t operator()(std::uint64_t address) const noexcept;
    };

    void leave(std::uint64_t key, kind what) noexcept;

    const limits most_;
    comebacks comebacks_;
    std::atomic<std::size_t> late_{0};  // in all; read without the mutex
    std::mutex mutex_;
    counts all_;
    std::unordered_map<std::uint64_t, counts, key_hash> by_address_;  // without zeros
};

}  // namespace weft::net
