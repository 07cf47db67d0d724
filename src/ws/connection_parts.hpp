#pragma once

// What the sources of `connection_core` share, and nobody else needs.

#include <array>
#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/heap_cost.hpp"
#include "net/delivery_watch.hpp"
#include "pubsub/outbox.hpp"
#include "ws/connection_core.hpp"
#include "ws/kept_bytes.hpp"

namespace weft::ws {

/// Somebody who wants to know when a message has been written.
struct written_watch {
    std::uint64_t after;  // the outbox has passed it on when its oldest has this number; 0: it has
    std::error_code why;  // it is lost
    unique_function<void(std::error_code)> done;
};

/// Made when something does not go straight through, gone when that is over and the peer silent.
struct connection_core::slow_state {
    explicit slow_state(byte_budget& memory) noexcept : charge(memory) { recount(); }
    void recount() noexcept {
        charge.set(heap_cost_of<slow_state> + kept.cost() + heap_cost(watches));
    }
    /// Nothing in it is needed as long as the connection stays open.
    [[nodiscard]] bool spent() const noexcept {
        return !outbox && watches.empty() && kept.empty() && beyond == 0 &&
               message_began == time_point::max();
    }
    std::optional<pubsub::outbox> outbox;  // also, empty or not, while a message is in fragments
    bool in_fragments = false;             // ours: its last one is not sent yet
    std::vector<written_watch> watches;
    kept_bytes kept;  // received, and their turn comes in a later iteration
    std::array<std::byte, max_control_payload> pong{};
    std::size_t pong_size = 0;
    close_payload our_close;
    close_code peer_code = close_code::abnormal;
    std::string peer_reason;
    std::size_t beyond = 0;  // a message being written that is larger than `max_queue`
    time_point close_deadline = time_point::max();
    time_point message_began = time_point::max();
    time_point even_at = time_point::min();  // with max_violations
    net::delivery_watch delivery;            // since we asked
    byte_charge charge;
};

/// Runs the user's code. A connection whose handler throws is closed with 1011.
template <class F>
void connection_core::guarded(std::string_view callback, F&& call) noexcept {
    const bool returned = shared().users.call(std::forward<F>(call), [this, callback] {
        return user_place{.callback = callback,
                          .route = user_->route(),
                          .peer = stream().peer().address().to_string()};
    });
    if (!returned && state_ == state::open) fail(errc::handler_failed);
}

/// Out of memory is the end of this connection, not of the process.
template <class F>
auto connection_core::within_memory(F&& call) noexcept -> decltype(call()) {
    try {
        return call();
    } catch (...) {
        cause_ = std::make_error_code(std::errc::not_enough_memory);
        become_ended();
        stream().abort(cause_);
        if constexpr (!std::is_void_v<decltype(call())>) return send_status::closed;
    }
}

}  // namespace weft::ws
