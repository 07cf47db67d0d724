#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include <weft/http/handshake.hpp>

namespace weft::socketio {

/// A description of a socket. Reach the socket with `in(id)`.
struct remote_socket {
    std::string id;
    std::vector<std::string> rooms{};
    std::string auth{};           ///< A JSON object: what the client sent for this namespace.
    http::handshake handshake{};  ///< The request that began the client's connection.
    /// A JSON object: the members of each `data<T>()` of the socket whose `T` has WEFT_FIELDS or a
    /// codec of its own. `from_json<T>(data)` gives it back.
    std::string data{};
};

/// The servers of a cluster that did not answer a question in time.
struct silent_servers {
    std::size_t count = 0;
    std::vector<std::string> names{};  ///< Of those that are known by a name.
};

/// The sockets of all servers that answered.
struct fetched_sockets {
    std::vector<remote_socket> sockets;
    silent_servers silent;
};

}  // namespace weft::socketio
