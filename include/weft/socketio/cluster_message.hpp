#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include <weft/pubsub/message.hpp>

namespace weft::socketio {

/// A place in the log of a cluster, see `recovery_store`. All servers see its messages in this
/// order. Before the first: zero.
struct log_position {
    std::uint64_t time = 0;      ///< **Units**: milliseconds since 1970.
    std::uint64_t sequence = 0;  ///< Among those of one millisecond.

    friend auto operator<=>(const log_position&, const log_position&) = default;
    /// As clients are told it: "1795343457414-0".
    [[nodiscard]] std::string to_string() const {
        return std::to_string(time) + '-' + std::to_string(sequence);
    }
};

/// A set of sockets: those of one namespace that are in any of `rooms` (all, if `rooms` is empty)
/// and in none of `except`. The id of a socket is also a room.
struct cluster_audience {
    std::string nsp;
    std::vector<std::string> rooms;
    std::vector<std::string> except;
};

/// What a server tells the other servers of its cluster, or asks them.
struct cluster_message {
    enum class kind : std::uint8_t {
        broadcast,         ///< Sends an event to the audience. If asked: each socket answers.
        join,              ///< The audience enters `names`.
        leave,             ///< The audience leaves `names`.
        disconnect,        ///< Disconnects the audience; also its connections if `close`.
        server_side_emit,  ///< Sends an event to the servers' handlers. If asked: each answers.
        fetch_sockets,     ///< Always asked: describes the audience.
    };
    kind what = kind::broadcast;
    cluster_audience to;
    std::vector<std::string> names;
    std::string event;                 ///< The name of the event.
    std::string arguments;             ///< Its arguments: JSON values with commas between them.
    std::vector<message> attachments;  ///< What the placeholders in `arguments` stand for.
    bool droppable = false;
    bool uncompressed = false;
    std::string latest;  ///< The key of a `latest` event; empty: none.
    bool close = false;
    /// Not 0: the sockets to disconnect came back to the server that says it, as often as this;
    /// those that came back less often are to go. Their sessions are not over.
    std::uint64_t superseded_by = 0;
    log_position at{};  ///< Where the cluster's log has it; zero: nowhere.
};

}  // namespace weft::socketio
