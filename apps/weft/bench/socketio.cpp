// The few words of Engine.IO 4 and Socket.IO 5 that a load of echoes and broadcasts needs. The
// servers answer `echo` by its acknowledgement and turn `publish` into `said` for everyone else.

#include "bench/socketio.hpp"

namespace weft::bench {
namespace {

/// Between a fixed beginning and `"]`.
bool take_string(std::string_view packet, std::size_t from, std::string_view& out) noexcept {
    if (packet.size() < from + 2 || !packet.ends_with("\"]")) return false;
    out = packet.substr(from, packet.size() - from - 2);
    return true;
}

}  // namespace

socketio_packet read_socketio(std::string_view packet) noexcept {
    constexpr std::string_view said = R"(42["said",")";
    constexpr std::string_view sid = R"("sid":")";
    socketio_packet read;
    if (packet.starts_with("43")) {
        const std::size_t list = packet.find("[\"");
        if (list != std::string_view::npos && take_string(packet, list + 2, read.payload))
            read.word = socketio_word::answer;
    } else if (packet.starts_with(said)) {
        if (take_string(packet, said.size(), read.payload)) read.word = socketio_word::said;
    } else if (packet == "2") {
        read.word = socketio_word::ping;
    } else if (packet.starts_with("40")) {
        read.word = socketio_word::connected;
    } else if (packet == "6") {
        read.word = socketio_word::noop;
    } else if (packet.starts_with("0{")) {
        read.word = socketio_word::open;
        if (const std::size_t position = packet.find(sid); position != std::string_view::npos) {
            const std::string_view rest = packet.substr(position + sid.size());
            read.payload = rest.substr(0, rest.find('"'));
        }
    }
    return read;
}

void append_echo(std::string& out, std::uint64_t id, std::string_view text) {
    out.append("42").append(std::to_string(id)).append(R"(["echo",")").append(text).append("\"]");
}

void append_publish(std::string& out, std::string_view text) {
    out.append(R"(42["publish",")").append(text).append("\"]");
}

}  // namespace weft::bench
