#pragma once

#include <cstdint>
#include <string_view>
#include <system_error>

#include <weft/base/time.hpp>
#include <weft/net/peer.hpp>

namespace weft {

/// What has ended.
enum class access_kind : std::uint8_t {
    request,    ///< An HTTP request, with its answer. One that became a WebSocket is told as that.
    stream,     ///< The same, answered piece by piece: an event stream.
    websocket,  ///< A WebSocket, from its request on. Those below Engine.IO, too.
    engineio,   ///< An Engine.IO session. What carried it (requests, a WebSocket) is told besides.
};

/// "request" and so on.
[[nodiscard]] std::string_view to_string(access_kind kind) noexcept;

/// One request or connection that has ended. No query, header or payload is in it.
/// **Lifetime**: valid during `access_sink::write` only.
struct access_record {
    access_kind kind;
    /// Whose it was: the address that a trusted proxy told, and the identity, if there is one.
    const peer& whose;
    std::string_view method;  ///< Empty for sessions, and when the head of a request is broken.
    /// As decoded, without the query; likewise empty. It is what the peer sent: write it by
    /// `append_printable`.
    std::string_view path;
    duration took;  ///< By the loop's clock, which stands still during a turn.
    /// **Units**: bytes. Of a request its head and body, of a WebSocket all that came over its
    /// connection since. Under TLS as encrypted, where it is counted so. 0 for sessions.
    std::uint64_t received;
    std::uint64_t sent;  ///< Likewise.
    /// The status of an answer, or the close code of a WebSocket (the peer's, else ours, else
    /// 1006). 0: there was none.
    int code;
    /// Why it ended before its time: a limit, a broken connection. Unset if it ended in order.
    std::error_code cause;
    std::string_view trace_id;  ///< Of its `traceparent` (32 hexadecimal digits), or empty.
};

/// Learns of each request and connection that ends, for an access log.
/// **Threads**: every loop's thread calls `write`, several at once. It must not block, nor call
/// back into the server.
class access_sink {
public:
    virtual ~access_sink() = default;
    virtual void write(const access_record& record) noexcept = 0;
};

}  // namespace weft
