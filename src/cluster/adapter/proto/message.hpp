#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <weft/socketio/cluster_message.hpp>

namespace weft::cluster {

/// What a message between the adapters of a cluster is about.
enum class message_type : std::uint8_t {
    // What a server did. The order is that of `socketio::cluster_message::kind`.
    broadcast,  ///< With a request id: the clients' acknowledgements are wanted.
    join,
    leave,
    disconnect,
    server_side_emit,  ///< With a request id: an answer is wanted.
    // Questions; all have a request id.
    fetch_sockets,
    list_sockets,  ///< Of old servers; asks for ids.
    list_rooms,
    // Answers; all have the request id of the question.
    sockets,
    socket_ids,
    rooms,
    server_side_answer,
    client_count,  ///< How many clients got a broadcast whose acknowledgements are wanted ...
    client_ack,    ///< ... and the acknowledgement of one of them.
    done,          ///< Of old servers: a join, leave or disconnect is done.
    // The life of a node.
    initial_heartbeat,
    heartbeat,
    adapter_close,
};

/// What a server tells about one of its sockets. Both JSON texts may be empty when read: untold.
struct socket_description {
    std::string id;
    std::vector<std::string> rooms;
    std::string handshake;  ///< A JSON object.
    std::string data;       ///< JSON. Binary values became base64 texts.

    friend bool operator==(const socket_description&, const socket_description&) = default;
};

/// What a message has beside its content.
struct message_head {
    message_type type{};
    std::string uid;         ///< The node that sends it; empty where Node tells none.
    std::string request_id;  ///< Empty: none.
    /// Broadcasts: how long the sender waits for acknowledgements. **Units**: milliseconds.
    std::optional<std::uint64_t> timeout;
    bool expect_single_response = false;      ///< Broadcasts: one client is to acknowledge.
    std::uint64_t count = 0;                  ///< `client_count`
    std::vector<socket_description> sockets;  ///< `sockets`
};

/// A message between the adapters of a cluster. Which parts of `content` mean something:
/// - what a server did: those of its kind;
/// - `fetch_sockets`, `list_sockets`: `to`;
/// - `rooms`, `socket_ids`: `names`;
/// - `server_side_answer`, `client_ack`: `arguments`, one JSON value or none, and `attachments`.
struct adapter_message {
    message_head head;
    socketio::cluster_message content;
};

/// The type of a message about what a server did.
[[nodiscard]] constexpr message_type type_of(socketio::cluster_message::kind what) noexcept {
    return static_cast<message_type>(what);
}
static_assert(type_of(socketio::cluster_message::kind::server_side_emit) ==
              message_type::server_side_emit);

/// How a body is written. What has attachments is always msgpack.
enum class body_form : std::uint8_t { json, msgpack };

/// How much we take from other nodes. What exceeds a limit is ignored as a whole. The length of a
/// message is limited by `redis::reply_limits::max_bulk`, the attachments are at most 64.
struct message_limits {
    std::size_t max_rooms = 10'000;     ///< Rooms of an audience, or to join: each list.
    std::size_t max_names = 1'000'000;  ///< Names of rooms and sockets in one reply.
    std::size_t max_sockets = 100'000;  ///< Descriptions in one reply.
    std::size_t max_event_name = 1024;  ///< **Units**: bytes.
};

}  // namespace weft::cluster
