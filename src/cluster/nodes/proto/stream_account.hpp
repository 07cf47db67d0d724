#pragma once

#include <cstddef>
#include <cstdint>

#include "cluster/nodes/proto/error.hpp"

namespace weft::cluster::nodes {

/// Bytes of one stream that may be under way in one direction.
inline constexpr std::uint32_t stream_window = 256 * 1024;

/// What one side of a stream may still send, and who has ended. What is under way in a direction,
/// and the room that is left, are `stream_window` at the most.
class stream_account {
public:
    /// Bytes came. **Errors**: `window_exceeded`; `out_of_order` behind their end.
    [[nodiscard]] errc receive(std::size_t bytes) noexcept {
        if (they_ended_) return errc::out_of_order;
        if (bytes > may_come_) return errc::window_exceeded;
        may_come_ -= static_cast<std::uint32_t>(bytes);
        return errc::none;
    }
    /// They made room. **Errors**: `credit_overflow`, also for none.
    [[nodiscard]] errc credit(std::uint32_t bytes) noexcept {
        if (bytes == 0 || bytes > stream_window - may_go_) return errc::credit_overflow;
        may_go_ += bytes;
        return errc::none;
    }
    /// **Errors**: `out_of_order` when they had ended.
    [[nodiscard]] errc they_end() noexcept {
        if (they_ended_) return errc::out_of_order;
        they_ended_ = true;
        return errc::none;
    }
    // Ours; the caller keeps within what may go and what has come.
    void sent(std::size_t bytes) noexcept { may_go_ -= static_cast<std::uint32_t>(bytes); }
    void made_room(std::uint32_t bytes) noexcept { may_come_ += bytes; }
    void we_end() noexcept { we_ended_ = true; }

    [[nodiscard]] std::uint32_t may_go() const noexcept { return may_go_; }
    [[nodiscard]] std::uint32_t may_come() const noexcept { return may_come_; }
    [[nodiscard]] bool we_ended() const noexcept { return we_ended_; }
    [[nodiscard]] bool they_ended() const noexcept { return they_ended_; }
    /// Nothing comes of it any more.
    [[nodiscard]] bool is_over() const noexcept { return they_ended_ && we_ended_; }

private:
    std::uint32_t may_go_ = stream_window;
    std::uint32_t may_come_ = stream_window;
    bool we_ended_ = false;
    bool they_ended_ = false;
};

}  // namespace weft::cluster::nodes
