// What a client reads and writes to begin a session. What a server sent is used only after it was
// looked at: the id goes into URLs, and the times into timers.

#include "engineio/proto/client_handshake.hpp"

#include <algorithm>

#include <weft/base/json_reader.hpp>

#include "http/proto/target.hpp"

namespace weft::engineio {
namespace {

constexpr std::size_t max_sid = 256;
constexpr std::uint64_t max_time = 24ULL * 60 * 60 * 1000;  // longer is as good as never
constexpr std::string_view unescaped = "-_.!~*'()";

bool is_plain(char c) noexcept {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           unescaped.find(c) != std::string_view::npos;
}

bool read_upgrades(json_reader& json, bool& websocket) {
    std::string scratch;
    if (!json.begin_array()) return false;
    while (json.next_element()) {
        std::string_view name;
        if (!json.read(name, scratch)) return false;
        websocket = websocket || name == "websocket";
    }
    return json.ok();
}

}  // namespace

std::optional<open_reply> read_open(std::string_view data) {
    open_reply reply;
    json_reader json(data);
    std::string_view key;
    std::string scratch;
    json.begin_object();
    while (json.next_key(key, scratch)) {
        if (key == "sid") {
            json.read(reply.sid);
        } else if (key == "upgrades") {
            read_upgrades(json, reply.upgrades_to_websocket);
        } else if (key == "pingInterval") {
            json.read(reply.ping_interval);
        } else if (key == "pingTimeout") {
            json.read(reply.ping_timeout);
        } else if (key == "maxPayload") {
            json.read(reply.max_payload);
        } else {
            json.skip();
        }
    }
    const bool good = json.finish() && !reply.sid.empty() && reply.sid.size() <= max_sid;
    if (!good) return std::nullopt;
    reply.ping_interval = std::min(reply.ping_interval, max_time);
    reply.ping_timeout = std::min(reply.ping_timeout, max_time);
    return reply;
}

void append_query(std::string& target, std::string_view name, std::string_view value) {
    target += target.find('?') == std::string::npos ? '?' : '&';
    http::append_escaped(target, name, is_plain);
    target += '=';
    http::append_escaped(target, value, is_plain);
}

}  // namespace weft::engineio
