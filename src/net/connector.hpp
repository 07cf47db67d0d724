#pragma once

#include <memory>
#include <vector>

#include "net/loop_core.hpp"

namespace weft::net {

class connect_attempt;

/// One outgoing connection: its addresses race. Each has `head_start` before the next is tried too;
/// who is open first wins, the others are given up. **See**: RFC 8305.
/// **Threads**: the loop's. **Lifetime**: that of the attempts under way, and whoever waits for the
/// addresses.
class connect_race final : public std::enable_shared_from_this<connect_race> {
public:
    static constexpr duration head_start = std::chrono::milliseconds(250);

    /// `done` is told as by `loop_core::connect`.
    connect_race(loop_core& loop, connect_options to,
                 unique_function<void(result<byte_stream*>)> done);

    /// Begins. Without addresses, `why` is told.
    void start(std::vector<socket_address> addresses, error why) noexcept;
    [[nodiscard]] const connect_options& destination() const noexcept { return to_; }

private:
    friend class connect_attempt;
    struct next_turn final : timer_node {
        explicit next_turn(connect_race& owner) noexcept : timer_node(&fire), race(owner) {}
        static void fire(timer_node& node) {
            const auto alive = static_cast<next_turn&>(node).race.shared_from_this();
            alive->go_on();
        }
        connect_race& race;
    };

    void go_on() noexcept;
    void won(connect_attempt& by) noexcept;
    void lost(connect_attempt& by, std::error_code why) noexcept;
    bool begin(const socket_address& address);
    void forget(const connect_attempt& gone) noexcept;
    void tell(result<byte_stream*> outcome) noexcept;

    loop_core& loop_;
    const connect_options to_;
    const time_point deadline_;
    unique_function<void(result<byte_stream*>)> done_;
    std::vector<socket_address> addresses_;
    std::size_t next_ = 0;
    std::vector<connect_attempt*> running_;  // has room for all addresses
    next_turn timer_{*this};
    error last_;  // why the latest attempt failed
};

/// The order in which addresses are tried: as found, but the families take turns, beginning with
/// the first one's. **See**: RFC 8305 section 4.
[[nodiscard]] std::vector<socket_address> interleaved(std::vector<socket_address> found);

}  // namespace weft::net
