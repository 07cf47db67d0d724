#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <weft/base/metrics.hpp>
#include <weft/base/unique_function.hpp>

#include "base/siphash.hpp"
#include "base/user_boundary.hpp"
#include "engineio/session.hpp"
#include "engineio/session_carrier.hpp"
#include "net/latecomers.hpp"
#include "net/slab.hpp"
#include "ws/connection_core.hpp"

namespace weft::engineio {

/// One loop's counters of Engine.IO.
struct metrics {
    counter polling_sessions, websocket_sessions, opened, upgrades, packets_received, packets_sent,
        dropped_droppable, handler_exceptions;
    std::array<counter, close_reasons> closed;
    std::array<counter, errc_count> errors;

    void count(errc what) noexcept { errors[static_cast<std::size_t>(what) - 1].add(); }
    void visit(metric_visitor visitor) const;
};

/// How many sessions there are, over all loops. At a limit, one that waits for its second request
/// gives way to a newcomer; until its loop has ended it, there is one more. **Threads**: any.
class session_census {
    struct network_hash {
        std::size_t operator()(std::uint64_t network) const noexcept {
            return keyed_hash{}({reinterpret_cast<const char*>(&network), sizeof network});
        }
    };

public:
    session_census(std::size_t most, std::size_t most_per_address) noexcept
        : most_(most), most_per_address_(most_per_address) {}

    /// Counts one more session of this address. **Errors**: which limit forbids it: nobody waits.
    [[nodiscard]] std::optional<errc> enter(const socket_address& address);
    void leave(const socket_address& address) noexcept;
    [[nodiscard]] std::size_t size() const noexcept { return all_.load(std::memory_order_relaxed); }
    /// What it keeps for a session at the most: its address, when nobody else has that.
    [[nodiscard]] static std::size_t cost() noexcept;

    /// What one user is taken to have: an IPv4 address, or the first half of an IPv6 address. Those
    /// who come over unix sockets are one.
    [[nodiscard]] static std::uint64_t network_of(const socket_address& address) noexcept {
        return address.network().value_or(0);
    }
    /// The sessions that wait for their second request.
    net::latecomers waiting{{SIZE_MAX, SIZE_MAX}};

private:
    void leave_network(std::uint64_t network) noexcept;

    const std::size_t most_;
    const std::size_t most_per_address_;
    std::atomic<std::size_t> all_{0};
    std::mutex mutex_;  // taken per handshake, and only when addresses are counted
    std::unordered_map<std::uint64_t, std::size_t, network_hash> by_network_;
};

/// The loop, of so many, that a session of this id would live on in this process.
[[nodiscard]] std::uint8_t loop_of(std::string_view sid, std::size_t loops) noexcept;

/// What is the same for all loops. **Lifetime**: outlives the shards.
struct common {
    explicit common(options wanted);

    options chosen;
    ws::connection_settings websocket;  // its paces are those of sessions, too
    session_census census;
    unique_function<std::unique_ptr<session_user>(session&)> make_user;
    session_carrier* carrier = nullptr;  // to other processes, if there are any
    std::size_t loops = 1;
    bool expects_resumers = false;  // for a session that is new

    /// The loop that a session of this id would live on: no table, no lock, and all bits of the id
    /// that are random stay so: 120, or 96 in front of a tag.
    [[nodiscard]] std::uint8_t loop_of(std::string_view sid) const noexcept {
        return engineio::loop_of(sid, loops);
    }
    /// Whether it looks like the id of a session of another process.
    [[nodiscard]] bool is_foreign(std::string_view sid) const noexcept;
};

/// The sessions of one loop. **Threads**: the loop's.
class shard {
public:
    shard(common& shared, ws::connection_shared& with) noexcept;
    ~shard();

    /// A session under a fresh id that leads to this loop. **Errors**: null without entropy or when
    /// all slots are taken. The census was asked before; it is left when the session goes.
    session* make(http::handshake asked, const peer& from, const session::beginning& how);
    /// What a session takes, with its place in the tables and what it keeps of its request.
    [[nodiscard]] static std::size_t cost_of_session(const http::handshake& asked) noexcept;
    [[nodiscard]] session* find(std::string_view sid) noexcept;
    [[nodiscard]] session* find(session_id name) noexcept {
        return name.loop() == web.loop.index() ? sessions_.find(name.slot(), name.generation())
                                               : nullptr;
    }
    [[nodiscard]] std::size_t size() const noexcept { return sessions_.size(); }
    template <class F>
    void for_each(F use) {
        sessions_.for_each([&](session& s, std::uint32_t) { use(s); });
    }
    /// Those whom no WebSocket carries.
    [[nodiscard]] std::size_t polling() const noexcept {
        return size() - std::min(websockets, size());
    }
    /// Closes those in the next `slots` slots of a walk; how many those were.
    std::size_t close_some(net::slot_walk& walk, std::size_t slots) noexcept;
    /// After the loop has shut down: tells all users and frees everything.
    void shut_down() noexcept;

    common& all;
    ws::connection_shared& web;
    net::latecomers::line waiting;
    engineio::metrics metrics;
    user_boundary users;
    std::size_t websockets = 0;  // that carry a session

    // For sessions.
    void forget(session& gone) noexcept;  // its id leads nowhere from now on
    /// Its waiting poll is answered soon, outside of any call that runs now.
    void flush_later(session& s) noexcept;
    /// Its user is told soon that it ended; then it dies.
    void finish_later(session& s) noexcept;
    /// Counts what a client did wrong or which limit it met, and has it logged. `from` is whom, if
    /// that is known; `value` what it sent.
    [[gnu::cold]] void note(errc why, const peer* from, std::string_view value = {}) noexcept;
    /// What a client sent as base64; nothing when it is broken. **Lifetime**: until the next call.
    [[nodiscard]] std::optional<byte_view> decode(std::string_view base64);

private:
    /// Has `turn` run soon.
    void post_turn() noexcept;
    void turn() noexcept;

    net::slab<session> sessions_;
    using id_table = std::unordered_map<std::string_view, session*, keyed_hash>;
    /// Where this id would stand. The table has parts, so that no turn has to grow it as a whole.
    [[nodiscard]] id_table& part_of(std::string_view sid) noexcept {
        const auto at = [&](std::size_t i) { return static_cast<unsigned char>(sid[i]); };
        return by_id_[sid.size() < 2 ? 0 : (at(0) * 64U + at(1)) % by_id_.size()];
    }

    std::array<id_table, 256> by_id_;
    session* flushes_ = nullptr;  // lists through the sessions, for the next turn
    session* ends_ = nullptr;
    net::timer timer_;  // for a turn that could not be posted
    bool turn_posted_ = false;
    std::vector<std::byte> decoding_;
};

}  // namespace weft::engineio
