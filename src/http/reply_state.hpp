#pragma once

#include <thread>

#include <weft/base/unique_function.hpp>
#include <weft/http/error.hpp>

namespace weft::http {

class connection;

namespace detail {

/// What a connection and the handle that a user holds know of each other. Whoever goes first
/// clears `conn`.
struct reply_state {
    explicit reply_state(connection& c) noexcept : conn(&c) {}

    /// Whether the holder of the handle may act, and why not. `answered` handles say so.
    [[nodiscard]] errc check() const noexcept {
        if (std::this_thread::get_id() != owner) return errc::wrong_thread;
        if (conn != nullptr) return errc::none;
        return answered ? errc::already_answered : errc::gone;
    }
    [[nodiscard]] bool usable() const noexcept { return check() == errc::none; }

    connection* conn;  // the owner's thread only
    const std::thread::id owner = std::this_thread::get_id();
    bool answered = false;
    unique_function<void()> on_gone;
    unique_function<void()> on_drained;
};

}  // namespace detail
}  // namespace weft::http
