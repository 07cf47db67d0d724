#pragma once

#include <weft/socketio/remote_socket.hpp>

#include "cluster/adapter/proto/message.hpp"

namespace weft::cluster {

/// What we tell of a socket of ours: its handshake as Node writes it.
[[nodiscard]] socket_description describe(const socketio::remote_socket& socket);

/// What another server tells of one of its sockets. What it does not tell is empty.
[[nodiscard]] socketio::remote_socket remote_socket_of(socket_description told);

}  // namespace weft::cluster
