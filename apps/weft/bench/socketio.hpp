#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace weft::bench {

/// What a Socket.IO server says to a connection of the generator.
enum class socketio_word : std::uint8_t {
    open,       ///< Engine.IO is open.
    connected,  ///< The main namespace is joined.
    ping,
    answer,  ///< The acknowledgement of an `echo`.
    said,    ///< A `said` event: what another connection published.
    noop,
    other,
};

/// One Engine.IO packet, and what it carries.
struct socketio_packet {
    socketio_word word = socketio_word::other;
    std::string_view payload;  ///< Of `answer` and `said`; of `open` the session's id.
};

/// Only what the servers of the comparison send: text packets of one string argument, without
/// escapes.
[[nodiscard]] socketio_packet read_socketio(std::string_view packet) noexcept;

inline constexpr std::string_view socketio_connect = "40";
inline constexpr std::string_view socketio_pong = "3";

/// Appends the packet of event `name` with one string and, for an `echo`, an acknowledgement id.
void append_echo(std::string& out, std::uint64_t id, std::string_view text);
void append_publish(std::string& out, std::string_view text);

}  // namespace weft::bench
