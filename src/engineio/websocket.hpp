#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "engineio/session.hpp"
#include "engineio/transport.hpp"
#include "net/delivery_watch.hpp"
#include "ws/connection_core.hpp"

namespace weft::engineio {

/// A WebSocket that carries a session, wants to, or may not. Owned by the `ws::connection_core`; it
/// and the engine's session know each other until one of them ends.
class websocket final : public ws::connection_user, public server_transport {
public:
    enum class role : std::uint8_t { carrier, probe, refused };

    /// `target` is null exactly for `role::refused`.
    websocket(shard& owner, ws::connection_core& socket, session* target, role as) noexcept;
    ~websocket() override;

    // server_transport
    [[nodiscard]] transport_kind kind() const noexcept override {
        return transport_kind::websocket;
    }
    send_status send(std::span<const message> group) override;
    send_status send(const message_view& packet) override;
    [[nodiscard]] bool keeps_up() const noexcept override {
        return socket_.queued() < net::byte_stream::high_water;
    }
    [[nodiscard]] time_point last_received() const noexcept override {
        return socket_.last_received();
    }
    void watch_delivery() noexcept override {
        const net::byte_stream& stream = socket_.stream();
        delivery_.begin(stream.delivered(), socket_.queued() - stream.queued());
    }
    [[nodiscard]] bool comes_on() noexcept override { return delivery_.comes_on(socket_.stream()); }
    void close(const farewell& last) noexcept override { socket_.close(last.code, last.text); }
    void dismiss(const farewell& last) noexcept override;
    void identified(const peer& who) noexcept override;
    void hand_over(server_transport&) override {}  // nothing waits here that a session could move

    // ws::connection_user
    void on_open() override;
    void on_message(const message_view& what) override;
    void on_drained() override;
    void on_close(const ws::close_event& event) override;

private:
    struct probe_timer;

    [[nodiscard]] bool fits(message_kind kind) const noexcept;
    [[nodiscard]] message wrapped(const message& packet) const;
    void on_text(std::string_view text);
    void on_probe(const message_view& what);
    void give_up(errc why) noexcept;
    void tick() noexcept;
    void make_way() noexcept override;

    shard& shard_;
    ws::connection_core& socket_;
    session* session_;
    std::unique_ptr<probe_timer> timer_;  // while it is a probe
    net::delivery_watch delivery_;
    role role_;
    bool probed_ = false;  // the client has asked with its probe and may send its `5`
};

}  // namespace weft::engineio
