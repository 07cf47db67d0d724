// Descriptions of sockets. A handshake is JSON there: {"headers":{..},"time":"..","address":"..",
// "xdomain":false,"secure":false,"issued":1795343457414,"url":"/socket.io/?EIO=4","query":{..},
// "auth":{..}}. Invariant: what another server tells may be any JSON; we take what we understand.

#include "cluster/adapter/socket_description.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <ctime>
#include <utility>
#include <vector>

#include <weft/base/json_reader.hpp>
#include <weft/base/json_writer.hpp>

namespace weft::cluster {
namespace {

using std::chrono::milliseconds;
using std::chrono::system_clock;

/// As Date.toString does, in UTC: "Sun Nov 22 2026 10:37:37 GMT+0000 (Coordinated Universal Time)".
std::string date_text(system_clock::time_point when) {
    const std::time_t seconds = system_clock::to_time_t(when);
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    std::array<char, 80> text{};
    const std::size_t size =
        std::strftime(text.data(), text.size(),
                      "%a %b %d %Y %H:%M:%S GMT+0000 (Coordinated Universal Time)", &parts);
    return {text.data(), size};
}

/// The members of a JSON object whose values are texts, or numbers as texts.
using texts = std::vector<std::pair<std::string, std::string>>;

void read_texts(json_reader& json, texts& out) {
    constexpr std::size_t most = 200;
    std::string_view key;
    std::string scratch;
    if (json.peek() != json_kind::object) {
        json.skip();
        return;
    }
    json.begin_object();
    while (json.next_key(key, scratch)) {
        std::string value;
        if (json.peek() == json_kind::string && out.size() < most) {
            std::string name(key);
            if (json.read(value)) out.emplace_back(std::move(name), std::move(value));
        } else {
            json.skip();
        }
    }
}

}  // namespace

socket_description describe(const socketio::remote_socket& socket) {
    socket_description made{socket.id, socket.rooms, {}, socket.data};
    const http::handshake& from = socket.handshake;
    json_writer json(made.handshake);
    json.begin_object();
    json.key("headers");
    json.begin_object();
    from.each_header([&](std::string_view name, std::string_view value) {
        std::string lower(name);
        for (char& c : lower) {
            if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
        }
        json.member(lower, value);
    });
    json.end_object();
    json.member("time", date_text(from.issued()));
    json.member("address", from.address());
    json.member("xdomain", !from.header("origin").empty());
    json.member("secure", from.secure());
    json.member("issued",
                std::chrono::duration_cast<milliseconds>(from.issued().time_since_epoch()).count());
    json.member("url", from.url());
    json.key("query");
    json.begin_object();
    for (std::string_view rest = from.query(); !rest.empty();) {
        const std::string_view pair = rest.substr(0, rest.find('&'));
        rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
        const std::string_view name = pair.substr(0, pair.find('='));
        if (const auto value = from.query_value(name)) json.member(name, *value);
    }
    json.end_object();
    json.raw_member("auth", socket.auth.empty() ? std::string_view("{}") : socket.auth);
    json.end_object();
    if (made.data.empty()) made.data = "{}";
    return made;
}

socketio::remote_socket remote_socket_of(socket_description told) {
    socketio::remote_socket made;
    made.id = std::move(told.id);
    made.rooms = std::move(told.rooms);
    made.data = told.data.empty() ? "{}" : std::move(told.data);
    made.auth = "{}";
    std::string url, address, key_scratch;
    http::handshake_parts parts;
    texts headers;
    std::int64_t issued = 0;
    json_reader json(told.handshake);
    std::string_view key;
    if (told.handshake.empty() || !json.begin_object()) return made;
    while (json.next_key(key, key_scratch)) {
        const json_kind kind = json.peek();
        if (key == "headers") {
            read_texts(json, headers);
        } else if (key == "url" && kind == json_kind::string) {
            json.read(url);
        } else if (key == "address" && kind == json_kind::string) {
            json.read(address);
        } else if (key == "secure" && kind == json_kind::boolean) {
            json.read(parts.secure);
        } else if (key == "issued" && kind == json_kind::number) {
            json_reader ahead = json;  // it may be any number
            if (!ahead.read(issued)) issued = 0;
            json.skip();
        } else if (key == "auth" && kind == json_kind::object) {
            const std::size_t begin = json.position();
            if (json.skip()) made.auth = told.handshake.substr(begin, json.position() - begin);
        } else {
            json.skip();
        }
    }
    parts.url = url;
    parts.address = address;
    parts.issued = system_clock::time_point(milliseconds(issued));
    parts.headers = headers;
    made.handshake = http::handshake(parts);
    return made;
}

}  // namespace weft::cluster
