#pragma once

#include <string>
#include <string_view>

#include <weft/base/bytes.hpp>

#include "cluster/adapter/proto/error.hpp"
#include "cluster/adapter/proto/message.hpp"

/// The bodies of npm's @socket.io/redis-adapter, `createAdapter`, and of its emitters.
namespace weft::cluster::classic {

// Reading: JSON or msgpack, by the first byte. `nsp` is the namespace of the channel and becomes
// that of the content. **Errors**: `errc{}` is success; after an error `out` means nothing.
// **Cost**: linear.

/// What came on the channel of a namespace or of a room. A packet without a namespace is for "/".
[[nodiscard]] errc decode_broadcast(byte_view body, std::string_view nsp,
                                    const message_limits& limits, adapter_message& out);

/// The same without the short way of `read_plain_broadcast`.
[[nodiscard]] errc decode_any_broadcast(byte_view body, std::string_view nsp,
                                        const message_limits& limits, adapter_message& out);

/// What came on the channel for requests. A join, leave or disconnect with a request id is of an
/// old server: it is for the one socket in `to.rooms`, and is answered with `done` by the node that
/// has it.
[[nodiscard]] errc decode_request(byte_view body, std::string_view nsp,
                                  const message_limits& limits, adapter_message& out);

/// What came on a channel for responses. No descriptions and no ids look the same: `sockets`.
[[nodiscard]] errc decode_response(byte_view body, std::string_view nsp,
                                   const message_limits& limits, adapter_message& out);

// Writing appends the bytes that Node writes. `head.type` is what is written; the arguments are
// valid JSON. **Errors**: `errc{}` is success; else nothing is appended. **Cost**: linear.

/// `broadcast`, without a request id.
[[nodiscard]] errc append_broadcast(std::string& out, const message_head& head,
                                    const socketio::cluster_message& content);
/// The other things that a server did, and questions. A broadcast needs a request id here.
[[nodiscard]] errc append_request(std::string& out, const message_head& head,
                                  const socketio::cluster_message& content);
/// Answers.
[[nodiscard]] errc append_response(std::string& out, const message_head& head,
                                   const socketio::cluster_message& content);

}  // namespace weft::cluster::classic
