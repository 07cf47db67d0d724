#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include <weft/base/result.hpp>
#include <weft/base/time.hpp>
#include <weft/engineio/options.hpp>

namespace weft::socketio {

class adapter;

/// The form of packets on the wire. Clients must use the same.
enum class packet_parser : std::uint8_t {
    text,     ///< The default of every client.
    msgpack,  ///< As the npm package socket.io-msgpack-parser.
};

/// Connection state recovery: a client that comes back in time gets its id, rooms, data and the
/// events it missed, except volatile ones and those that ask for an acknowledgement.
struct recovery_options {
    duration max_disconnection_duration = std::chrono::minutes(2);
    /// A recovered socket does not pass the middlewares of its namespace again.
    bool skip_middlewares = true;
    /// How many bytes of past packets each loop keeps, and how many of the rooms of disconnected
    /// sockets. The oldest go first; clients that missed them cannot recover. They go sooner if the
    /// process is short of memory.
    std::size_t max_bytes = 16 * 1024 * 1024;
    /// How many disconnected sockets each loop remembers.
    std::size_t max_sessions = 10'000;

    /// **Errors**: `invalid_argument`. Says which option is wrong and what it may be.
    [[nodiscard]] result<void> check() const;
};

/// The options of a Socket.IO server. **Units**: bytes.
struct options {
    /// The connection below: path, transports, heartbeat, origins.
    engineio::options engine{};

    /// How long a connection may take to join its first namespace.
    duration connect_timeout = std::chrono::seconds(20);
    std::optional<recovery_options> connection_state_recovery{};
    packet_parser parser = packet_parser::text;
    /// Serves the official client (`/socket.io/socket.io.min.js` and so on), if the library was
    /// built with it.
    bool serve_client = true;
    /// Removes a namespace that a pattern made when its last socket leaves.
    bool cleanup_empty_child_namespaces = false;
    /// The link to the other servers of a cluster; none by default.
    std::shared_ptr<socketio::adapter> adapter{};

    // What a peer may do.
    std::size_t max_namespaces = 32;            ///< That one connection may join.
    std::size_t max_child_namespaces = 10'000;  ///< That patterns may make, per loop.
    std::size_t max_namespace_length = 1024;
    std::size_t max_event_length = 1024;  ///< Of an event's name.
    std::size_t max_attachments = 10;     ///< Of one packet; at most 64.
    duration attachments_timeout = std::chrono::seconds(10);
    std::size_t max_rooms = 1'000;  ///< Per socket, without its own.
    std::size_t max_room_length = 256;
    /// How many acknowledgements one socket may owe us. Further ones fail at once.
    std::size_t max_pending_acks = 1'000;
    /// For acknowledgements without their own `timeout`.
    duration ack_timeout = std::chrono::minutes(1);
    /// Events of one connection per minute, and at once, that may break the schemas of
    /// `space::validate`. Above: it is closed.
    unsigned max_violations = 20;

    /// **Errors**: `invalid_argument`. Says which option is wrong and what it may be.
    [[nodiscard]] result<void> check() const;
};

}  // namespace weft::socketio
