#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <weft/base/bytes.hpp>

#include "cluster/adapter/proto/error.hpp"
#include "cluster/adapter/proto/message.hpp"

namespace weft::cluster {

// The messages that npm's sharded adapter, its streams adapter and others share. They tell their
// namespace. `socket_ids`, `rooms`, `done` and the questions for the first two do not exist here.
// Reading: **Errors**: `errc{}` is success; after an error `out` means nothing. **Cost**: linear.
// Writing appends what Node writes. **Errors**: `errc{}` is success; else nothing is appended.

/// A message of pub/sub: JSON or msgpack, by the first byte.
[[nodiscard]] errc decode_message(byte_view body, const message_limits& limits,
                                  adapter_message& out);
/// `form`: the sharded adapter writes JSON, the streams adapter only reads msgpack from pub/sub.
[[nodiscard]] errc append_message(std::string& out, const message_head& head,
                                  const socketio::cluster_message& content, body_form form);

/// The fields of an entry in a stream: `uid`, `nsp`, `type`, `data`. Entries need not have `data`.
template <class Text>
struct basic_stream_entry {
    Text uid;
    Text nsp;
    Text type;
    Text data;  ///< JSON, or msgpack as base64.
};
using stream_entry = basic_stream_entry<std::string>;
using stream_entry_view = basic_stream_entry<std::string_view>;

[[nodiscard]] errc decode_entry(const stream_entry_view& entry, const message_limits& limits,
                                adapter_message& out);
/// Replaces `out`.
[[nodiscard]] errc make_entry(stream_entry& out, const message_head& head,
                              const socketio::cluster_message& content);

/// What the streams adapter keeps of a socket that lost its connection.
struct session_record {
    std::string sid;
    std::string pid;
    std::vector<std::string> rooms;
    std::string data;  ///< JSON; empty: none. Binary values become base64 texts when read.

    // Not of Node; empty: untold. See `socketio::kept_socket`.
    std::string nsp{}, since{}, last{}, left{}, server{}, returns{};
};

/// From the value in Redis: msgpack as base64.
[[nodiscard]] errc decode_session(std::string_view value, const message_limits& limits,
                                  session_record& out);
[[nodiscard]] errc append_session(std::string& out, const session_record& session);

}  // namespace weft::cluster
