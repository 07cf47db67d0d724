#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <weft/socketio/options.hpp>
#include <weft/socketio/recovery_store.hpp>

#include "net/loop_core.hpp"
#include "socketio/packet_writer.hpp"
#include "socketio/recovery.hpp"
#include "socketio/socket_core.hpp"

namespace weft::socketio::detail {

/// A place in the cluster's log as the number that a packet bears; 0 where it does not fit, which
/// no place that Redis draws does.
[[nodiscard]] constexpr std::uint64_t to_number(const log_position& at) noexcept {
    constexpr unsigned bits = 20;  // of the sequence
    if (at.time >> (64U - bits) != 0 || at.sequence >> bits != 0) return 0;
    return at.time << bits | at.sequence;
}
[[nodiscard]] constexpr log_position to_position(std::uint64_t number) noexcept {
    return {number >> 20U, number & 0xF'FFFFU};
}
/// What a packet from the log is called, and its client told.
[[nodiscard]] inline packet_name name_of(const log_position& at) {
    return {to_number(at), at.to_string()};
}

/// Recovery on any server of a cluster, the part of one loop: what the adapter's store is told of
/// the loop's sockets, and how one comes back from there.
///
/// A socket is stored as soon as it is connected, and again when its rooms change, so that it
/// outlives this process. Its data is as it was then, or a third of
/// `max_disconnection_duration` ago at the most.
/// **Threads**: the loop's. **Lifetime**: that of the loop's context, within the store's.
class stored_recovery {
public:
    stored_recovery(loop_context& home, const recovery_options& chosen, recovery_store& where);

    /// What the log has up to here was delivered on this loop, or was for nobody on it.
    void passed(const log_position& at) noexcept { passed_ = std::max(passed_, to_number(at)); }

    /// The place of a socket that is connected now; `random` makes its id a secret.
    [[nodiscard]] std::unique_ptr<recovery_place> begin(std::span<const char, 20> random) const;
    /// That of one that came back and has what it missed.
    [[nodiscard]] std::unique_ptr<recovery_place> resume(const kept_socket& back) const;
    /// Stores a socket that has its place and its rooms, and goes on until it has left.
    void keep(socket_core& s);
    /// Its rooms have changed.
    void note_change(socket_core& s);
    /// From now on the socket is sent nothing.
    void leave(recovery_place& place) const noexcept { place.left = passed_; }
    /// It is gone with these rooms, and comes back, or not.
    void keep_last(const socket_core& s, std::vector<std::string> rooms);
    void forget(const socket_core& s);

    /// The client of a socket that was taken has not waited.
    void put_back(std::string_view recovery_id) { store_.put_back(recovery_id); }

    /// Both go on with `client_link::recovered` and `client_link::caught_up`.
    void take(const socket_core& s, const recovery_request& asked);
    void catch_up(const socket_core& s);
    /// The socket that this one was, if it still is somewhere, is not this client's any more.
    void supersede(const socket_core& s, const kept_socket& back);

    static const std::size_t cost_of_socket;  ///< Beside its place.

private:
    [[nodiscard]] kept_socket describe(const socket_core& s) const;
    void store(socket_core& s);
    void store_changed();
    void renew();
    void wait_for_next();

    loop_context& home_;
    const recovery_options& chosen_;
    recovery_store& store_;
    std::uint64_t passed_ = 0;
    std::vector<socket_key> changed_;
    std::deque<std::pair<time_point, socket_key>> renewals_;  // the next one first
    net::timer timer_;
};

}  // namespace weft::socketio::detail
