#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <weft/socketio/detail/emit.hpp>
#include <weft/socketio/options.hpp>
#include <weft/socketio/recovery_store.hpp>

#include "base/byte_budget.hpp"
#include "net/loop_core.hpp"
#include "pubsub/hub.hpp"
#include "socketio/core.hpp"
#include "socketio/packet_writer.hpp"

namespace weft::socketio::detail {

/// Names one packet that can be recovered: the loop that sent it, and a number that grows there.
/// It travels as the stamp of the packet's first message.
struct stamp {
    std::uint32_t loop = 0;
    std::uint64_t number = 0;
    friend bool operator==(const stamp&, const stamp&) = default;

    /// As one number; never 0, since a loop begins with number 1.
    [[nodiscard]] std::uint64_t packed() const noexcept { return number << 8U | loop; }
    /// Of a packet that can be recovered, by what its first message bears.
    [[nodiscard]] static std::optional<stamp> of(std::uint64_t both) noexcept {
        if (both == 0) return {};
        return stamp{static_cast<std::uint32_t>(both & 0xFFU), both >> 8U};
    }
};

/// A packet that may have to be sent again.
struct logged_packet {
    stamp named;
    std::vector<std::string> topics, except;  // whom it was for, as the hub's topics
    std::vector<message> group;
    bool direct = false;  // to a socket of the loop that sent it: no other loop heard of it
    std::size_t bytes = 0;
    time_point when{};
};

/// How a socket that came back was brought up to date. It did not get the packets in the order of
/// the loop's log: that is another one on each loop.
struct resumption {
    std::optional<stamp> offset;  // that its client showed
    std::vector<stamp> sent;      // what it got then, in this order
};

/// What a connected socket needs for its return. Positions are those of the loop's log, or of the
/// cluster's, as a number; see `stored_recovery`.
struct recovery_place {
    std::string id;           // secret
    std::uint64_t since = 0;  // where begins what it was sent as a member
    std::optional<resumption> resumed{};
    /// What the newest packet bears that it was sent; 0: none. Who has heard that one has missed
    /// nothing before `left`, however old it is.
    std::uint64_t last = 0;
    std::uint64_t left = 0;               // where the log ended when it left
    bool changed = false;                 // and is to be stored anew
    std::uint64_t returns = 0;            // how often its client came back, where that is stored
    std::optional<byte_charge> charge{};  // while a socket has it

    /// The socket is given this packet now.
    void sent(const message& first_of_packet) noexcept {
        if (const std::uint64_t named = first_of_packet.stamp(); named != 0) last = named;
    }
    [[nodiscard]] std::size_t cost() const noexcept;
};

/// What a socket leaves behind for its return.
struct kept_session {
    recovery_place place;
    std::array<char, 20> id{};
    std::string nsp;
    std::vector<std::string> topics;  // its rooms, its own, the namespace
    weft::detail::owned_ptr<data_node> data{};
    std::size_t bytes = 0;
    time_point until{};
};

/// A session on its way back, with what it missed so far.
struct restored_session {
    kept_session session;
    std::optional<stamp> offset;  // that its client showed
    std::vector<logged_packet> missed;
    /// How far the loop that kept it had heard of each loop's packets.
    std::vector<std::uint64_t> heard;
    std::optional<byte_charge> charge{};
    /// The same of a session that was kept for all servers of a cluster: who it was, and, once that
    /// is known, what it missed.
    std::unique_ptr<kept_socket> stored;
    std::unique_ptr<recovery_store::missed_list> stored_missed;

    [[nodiscard]] std::size_t cost() const noexcept;
};

/// Past packets and absent sockets of one loop.
///
/// Every loop logs every broadcast, and its own sockets' direct packets. A session stays with the
/// loop that it was on; its recovery id names that loop. When the client comes back on another one,
/// `take` gives it away, once, with what was missed so far, and `resume` on the new loop adds what
/// only that one has heard of meanwhile: so nothing is lost between the two, nor sent twice.
/// A socket's way: `begin` when it is connected, `recovery_place::sent` for each packet, `leave`
/// and `keep` when its connection is gone, `take` and `resume` when its client comes back. What it
/// keeps is charged to the loop's budget, and is let go when memory is short.
/// **Threads**: the loop's.
class recovery_log final : private byte_holder {
public:
    recovery_log(net::loop_core& loop, const recovery_options& chosen, std::string_view epoch,
                 std::size_t loops);

    /// Names the next packet of this loop.
    [[nodiscard]] stamp next() noexcept { return {loop_.index(), ++last_number_}; }
    /// What the client is told of it, as its last argument.
    [[nodiscard]] std::string offset_of(stamp s) const;
    [[nodiscard]] packet_name name_of(stamp s) const { return {s.packed(), offset_of(s)}; }
    /// Logs a packet, unless it has no stamp.
    void record(const pubsub::audience& receivers, std::span<const message> group);
    /// The same for a packet to one socket of this loop.
    void record_direct(std::string_view topic, std::span<const message> group);
    /// Where the next packet will stand.
    [[nodiscard]] std::uint64_t end() const noexcept { return first_ + log_.size(); }

    /// The place of a socket that is connected now; `random` makes its id a secret.
    [[nodiscard]] std::unique_ptr<recovery_place> begin(std::span<const char, 20> random) const;
    /// From now on the socket is sent nothing.
    void leave(recovery_place& place) const noexcept { place.left = end(); }
    void keep(kept_session&& gone);
    /// The session of this id, which names this loop, lives on another one now. The note stays
    /// until `max_sessions` are newer.
    void note_moved(std::string_view recovery_id, std::size_t to_loop);
    static const std::size_t cost_of_moved;  ///< What a note is charged.
    /// Where that is, if it is.
    [[nodiscard]] std::optional<std::size_t> moved_to(std::string_view recovery_id) const;
    /// Gives a session away, once. Nothing when there is none, it is over, it is of another
    /// namespace, or the log does not reach back to the offset.
    [[nodiscard]] std::unique_ptr<restored_session> take(std::string_view recovery_id,
                                                         std::string_view nsp,
                                                         std::optional<std::string_view> offset);
    /// Adds to what was missed what this loop knows and the other one did not, leaves out what is
    /// still on its way to this loop, and logs what comes from there, so that the next recovery
    /// finds it. The socket's place here. **Cost**: that of what was missed and of what this loop
    /// heard of since the session was taken, whatever the length of the log.
    [[nodiscard]] std::unique_ptr<recovery_place> resume(restored_session& back);

private:
    // byte_holder
    [[nodiscard]] std::uint64_t held() const noexcept override { return bytes_ + session_bytes_; }
    void let_go(std::uint64_t wanted) noexcept override;

    [[nodiscard]] std::optional<stamp> parse(std::string_view offset) const;
    /// The newest position of a packet in the log.
    [[nodiscard]] std::optional<std::uint64_t> find(stamp s) const noexcept;
    [[nodiscard]] const logged_packet& packet_at(std::uint64_t position) const noexcept {
        return log_[position - first_];
    }
    void trim();
    void forget_expired();
    void wait_for_next();
    void recharge() noexcept;
    void append(logged_packet&& packet);
    [[nodiscard]] bool on_its_way(const logged_packet& packet) const noexcept;
    [[nodiscard]] bool find_again(std::span<const stamp> wanted, restored_session& back) const;
    void drop_oldest_packet() noexcept;
    void drop_oldest_session() noexcept;

    net::loop_core& loop_;
    const recovery_options& chosen_;
    const std::string epoch_;
    std::deque<logged_packet> log_;
    std::uint64_t first_ = 0;  // the position of log_.front()
    std::size_t bytes_ = 0;    // of the log
    std::size_t session_bytes_ = 0;
    byte_charge charge_;  // of both, and of what was moved
    std::uint64_t last_number_ = 0;
    std::vector<std::uint64_t> heard_;  // by loop
    /// Where each loop's packets stand in the log, by their numbers. They come in order, except for
    /// a few that a session brought along.
    struct place_in_log {
        std::uint64_t number, position;
        friend auto operator<=>(const place_in_log&, const place_in_log&) = default;
    };
    std::vector<std::deque<place_in_log>> index_;
    std::list<kept_session> sessions_;  // the first to expire first
    by_name<std::list<kept_session>::iterator> by_id_;
    by_name<std::size_t> moved_;
    std::deque<std::string> moved_order_;
    net::timer expiry_;
};

/// The loop that a recovery id names.
[[nodiscard]] std::optional<std::size_t> loop_of_recovery_id(std::string_view id) noexcept;

/// What a client that wants to recover says in its `auth`.
struct recovery_request {
    std::string id;
    std::optional<std::string> offset;
};
[[nodiscard]] std::optional<recovery_request> find_recovery_request(std::string_view auth);

}  // namespace weft::socketio::detail
