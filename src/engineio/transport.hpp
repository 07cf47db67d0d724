#pragma once

#include <span>
#include <string_view>

#include <weft/base/time.hpp>
#include <weft/engineio/options.hpp>
#include <weft/net/peer.hpp>
#include <weft/pubsub/message.hpp>
#include <weft/ws/close_event.hpp>

#include "engineio/proto/packet.hpp"

namespace weft::engineio {

/// One way to the other side, as both a server and a client see it.
class transport {
public:
    transport(const transport&) = delete;
    transport& operator=(const transport&) = delete;

    [[nodiscard]] virtual transport_kind kind() const noexcept = 0;
    /// Sends whole packets that belong together: text with its type digit, binary data as it is.
    virtual send_status send(std::span<const message> group) = 0;
    /// Whether what is sent now goes out without standing in line.
    [[nodiscard]] virtual bool keeps_up() const noexcept = 0;

protected:
    transport() = default;
    ~transport() = default;
};

/// What a client is told when its session ends, in the terms of each transport.
struct farewell {
    packet_type packet = packet_type::close;  ///< To who polls.
    ws::close_code code = ws::close_code::normal;
    std::string_view text{};
};

/// The server's side of a transport: it carries a session, or tries whether it may (`session`
/// attaches it as one or the other). What the client sends it gives to the session (`receive`), and
/// its own end it reports (`transport_ended`). Nothing here calls the session before it returns,
/// except `flush`.
///
/// **Lifetime**: the session does not own it; the last call is `dismiss` or `hand_over`.
class server_transport : public transport {
public:
    using transport::send;
    /// One packet. **Cost**: over WebSocket no allocation while the peer keeps up.
    virtual send_status send(const message_view& packet) = 0;
    /// When anything last came from the client.
    [[nodiscard]] virtual time_point last_received() const noexcept = 0;
    /// The client is going to be asked for a sign of life, behind all that was sent.
    virtual void watch_delivery() noexcept = 0;
    /// Whether that was still on its way when last looked at, and has come on since.
    [[nodiscard]] virtual bool comes_on() noexcept = 0;
    /// Nothing more will be sent: what waits goes out, then the client is told, then the transport
    /// ends the session.
    virtual void close(const farewell& last) noexcept = 0;
    /// The session is over, or will not have this transport.
    virtual void dismiss(const farewell& last) noexcept = 0;
    /// What `shard::flush_later` was asked for.
    virtual void flush() {}
    /// The client tries another transport: what keeps it from going on comes to its end.
    virtual void make_way() {}
    /// The session belongs to this peer now, whose subject the carrier's messages count for.
    virtual void identified(const peer&) noexcept {}
    /// The session goes on over `next`, and with it what waits here.
    virtual void hand_over(server_transport& next) = 0;

protected:
    server_transport() = default;
    ~server_transport() = default;
};

}  // namespace weft::engineio
