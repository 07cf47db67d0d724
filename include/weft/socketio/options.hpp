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

/// How packets look on the wire; clients must be told to use the same.
enum class packet_parser : std::uint8_t {
    text,     ///< The default of every client.
    msgpack,  ///< That of the npm package socket.io-msgpack-parser.
};

/// Connection state recovery: a client that comes back in time gets its id, rooms, data and what it
/// missed. Events that ask for an acknowledgement, and volatile ones, are not kept.
struct recovery_options {
    duration max_disconnection_duration = std::chrono::minutes(2);
    /// A recovered socket does not pass the middlewares of its namespace again.
    bool skip_middlewares = true;
    /// Bytes of past packets, and as many of disconnected sockets' rooms, that each loop keeps. The
    /// oldest go first, and with them the recovery of those who miss them; sooner when the process
    /// is short of memory.
    std::size_t max_bytes = 16 * 1024 * 1024;
    /// Disconnected sockets that each loop remembers.
    std::size_t max_sessions = 10'000;

    /// **Errors**: `invalid_argument`. Says which option is wrong and what it may be.
    [[nodiscard]] result<void> check() const;
};

/// What holds for a Socket.IO server. **Units**: bytes.
struct options {
    /// Path, transports, heartbeat, origins: what concerns the connection below.
    engineio::options engine{};

    /// For a connection to join its first namespace.
    duration connect_timeout = std::chrono::seconds(45);
    std::optional<recovery_options> connection_state_recovery{};
    packet_parser parser = packet_parser::text;
    /// Serves the official client (`/socket.io/socket.io.min.js` and the others), if it was there
    /// when the library was built.
    bool serve_client = true;
    /// Forgets a namespace that a pattern made when its last socket has left.
    bool cleanup_empty_child_namespaces = false;
    /// What connects this server to others; none by default.
    std::shared_ptr<socketio::adapter> adapter{};

    // What a peer may do.
    std::size_t max_namespaces = 32;            ///< Joined by one connection.
    std::size_t max_child_namespaces = 10'000;  ///< Made by patterns, per loop.
    std::size_t max_namespace_length = 128;
    std::size_t max_attachments = 10;  ///< Of one packet; at most 64.
    duration attachments_timeout = std::chrono::seconds(10);
    std::size_t max_rooms = 1'000;  ///< Per socket, its own not counted.
    std::size_t max_room_length = 256;
    /// Acknowledgements that one socket may owe us; more fail at once.
    std::size_t max_pending_acks = 1'000;
    /// For acknowledgements without a `timeout` of their own.
    duration ack_timeout = std::chrono::minutes(1);

    /// **Errors**: `invalid_argument`. Says which option is wrong and what it may be.
    [[nodiscard]] result<void> check() const;
};

}  // namespace weft::socketio
