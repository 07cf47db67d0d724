#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "engineio/session.hpp"
#include "ws/session.hpp"

namespace weft::engineio {

/// A WebSocket that carries a session, wants to, or may not. Owned by the `ws::session`; it and the
/// engine's session know each other until one of them ends.
class websocket final : public ws::session_user {
public:
    enum class role : std::uint8_t { carrier, probe, refused };

    websocket(shard& owner, ws::session& socket, session* of, role as) noexcept;
    ~websocket() override;

    send_status send(std::span<const message> group) noexcept { return socket_.send(group); }
    send_status send(const message_view& packet) noexcept { return socket_.send(packet); }
    [[nodiscard]] bool keeps_up() const noexcept {
        return socket_.queued() < net::byte_stream::high_water;
    }
    [[nodiscard]] time_point last_received() const noexcept { return socket_.last_received(); }
    void close(ws::close_code code, std::string_view reason) noexcept {
        socket_.close(code, reason);
    }
    /// The session is gone, or will not have it.
    void let_go(ws::close_code code, std::string_view reason) noexcept;
    /// The client has asked with its probe and may send its `5`.
    [[nodiscard]] bool probed() const noexcept { return probed_; }

    // ws::session_user
    void on_open() override;
    void on_message(const message_view& what) override;
    void on_drained() override;
    void on_close(const ws::close_event& event) override;

private:
    struct probe_timer;

    void on_probe(const message_view& what);
    void give_up(errc why) noexcept;
    void tick() noexcept;

    shard& shard_;
    ws::session& socket_;
    session* session_;
    std::unique_ptr<probe_timer> timer_;  // while it is a probe
    role role_;
    bool probed_ = false;
};

}  // namespace weft::engineio
