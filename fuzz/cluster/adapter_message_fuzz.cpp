// Messages of adapters. First byte: which kind of body the rest is. No limit may be exceeded; what
// is accepted must be writable, and writing and reading it again must change nothing more.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include <weft/base/json_reader.hpp>
#include <weft/base/utf8.hpp>

#include "cluster/adapter/proto/channels.hpp"
#include "cluster/adapter/proto/classic_codec.hpp"
#include "cluster/adapter/proto/cluster_codec.hpp"
#include "cluster/adapter/proto/plain_broadcast.hpp"
#include "socketio/proto/placeholders.hpp"

namespace {

using namespace weft;
using namespace weft::cluster;

constexpr message_limits limits{
    .max_rooms = 8, .max_names = 16, .max_sockets = 4, .max_event_name = 32};

void require(bool holds) {
    if (!holds) std::abort();
}

enum class kind : std::uint8_t { broadcast, request, response, pub_sub, entry, count };

/// A body of one kind; an entry has its type and the data in one text.
cluster::errc read(kind what, std::string_view body, adapter_message& out) {
    switch (what) {
        case kind::broadcast: return classic::decode_broadcast(as_bytes(body), "/", limits, out);
        case kind::request: return classic::decode_request(as_bytes(body), "/", limits, out);
        case kind::response: return classic::decode_response(as_bytes(body), "/", limits, out);
        case kind::pub_sub: return decode_message(as_bytes(body), limits, out);
        default: break;
    }
    const std::size_t end = std::min(body.find(' '), body.size());
    const std::string_view data = body.substr(std::min(end + 1, body.size()));
    return decode_entry({"u", "/", body.substr(0, end), data}, limits, out);
}

std::string write(kind what, const adapter_message& m, body_form form) {
    std::string out;
    stream_entry entry;
    cluster::errc failed{};
    switch (what) {
        case kind::broadcast: failed = classic::append_broadcast(out, m.head, m.content); break;
        case kind::request: failed = classic::append_request(out, m.head, m.content); break;
        case kind::response: failed = classic::append_response(out, m.head, m.content); break;
        case kind::pub_sub: failed = append_message(out, m.head, m.content, form); break;
        default: failed = make_entry(entry, m.head, m.content); out = entry.type + ' ' + entry.data;
    }
    require(failed == cluster::errc{});
    return out;
}

void check_text(std::string_view text) {
    require(validate_utf8(as_bytes(text)));
}

void check_json(std::string_view text) {
    check_text(text);
    json_reader json(text);
    require(text.empty() || (json.skip() && json.finish()));
}

void check_names(const std::vector<std::string>& names, std::size_t most) {
    require(names.size() <= most);
    for (const std::string& one : names) check_text(one);
}

void check(const adapter_message& m) {
    const auto& [head, content] = m;
    check_text(head.uid);
    check_text(head.request_id);
    check_text(content.event);
    check_text(content.latest);
    check_text(content.arguments);
    require(content.event.size() <= limits.max_event_name);
    check_names(content.to.rooms, limits.max_rooms);
    check_names(content.to.except, limits.max_rooms);
    check_names(content.names, limits.max_names);
    require(content.attachments.size() <= socketio::placeholder_set::max_attachments);
    socketio::placeholder_set placeholders(content.attachments.size());
    json_reader json(content.arguments);
    while (!content.arguments.empty() && json.next_in_sequence()) {
        require(socketio::skip_value(json, placeholders) == socketio::errc{});
    }
    require(content.arguments.empty() || json.finish());
    require(placeholders.complete());
    require(head.sockets.size() <= limits.max_sockets);
    std::size_t names = 0;
    for (const socket_description& one : head.sockets) {
        check_text(one.id);
        check_names(one.rooms, limits.max_names);
        names += one.rooms.size();
        check_json(one.handshake);
        check_json(one.data);
    }
    require(names <= limits.max_names);
}

adapter_message read_back(kind what, const std::string& body) {
    adapter_message m;
    require(read(what, body, m) == cluster::errc{});
    check(m);
    return m;
}

void read_session(std::string_view value) {
    session_record session;
    if (decode_session(value, limits, session) != cluster::errc{}) return;
    check_json(session.data);
    check_names(session.rooms, limits.max_rooms);
    std::string once;
    require(append_session(once, session) == cluster::errc{});
    require(decode_session(once, limits, session) == cluster::errc{});
    std::string twice;
    require(append_session(twice, session) == cluster::errc{});
    require(once == twice);
}

void read_channel(std::string_view name) {
    const auto found = parse_channel(name, "k");
    if (!found) return;
    const auto& [what, nsp, target] = *found;
    std::string again;
    if (what == channel_kind::request) {
        if (!target.empty()) return;  // nobody writes it
        again = request_channel("k", nsp);
    } else if (what == channel_kind::response) {
        again = response_channel("k", nsp, target);
    } else {
        again = target.empty() ? broadcast_channel("k", nsp) : target_channel("k", nsp, target);
    }
    // `k#nsp##` has an empty target, which is as good as none.
    require(again == name || (target.empty() && again + '#' == name));
}

/// The short way is the same way.
void compare_ways(std::string_view body) {
    adapter_message plain, general;
    if (!classic::read_plain_broadcast(as_bytes(body), "/", limits, plain)) return;
    require(classic::decode_any_broadcast(as_bytes(body), "/", limits, general) == cluster::errc{});
    require(plain.head.type == general.head.type && plain.head.uid == general.head.uid);
    const auto &a = plain.content, &b = general.content;
    require(a.what == b.what && a.to.nsp == b.to.nsp && a.to.rooms == b.to.rooms &&
            a.to.except == b.to.except && a.event == b.event && a.arguments == b.arguments &&
            a.droppable == b.droppable && a.uncompressed == b.uncompressed &&
            a.latest == b.latest && b.attachments.empty() && !general.head.timeout &&
            !general.head.expect_single_response);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view body(reinterpret_cast<const char*>(data + 1), size - 1);
    read_session(body);
    read_channel(body);
    compare_ways(body);
    const auto what = static_cast<kind>(data[0] % static_cast<std::uint8_t>(kind::count));
    const body_form form = (data[0] & 0x80) != 0 ? body_form::json : body_form::msgpack;
    adapter_message first;
    if (read(what, body, first) != cluster::errc{}) return 0;
    check(first);
    // Writing once may change how numbers are written and which texts are escaped ...
    const std::string second = write(what, first, form);
    // ... and what msgpack cannot hold, such as 1e400. After that nothing changes.
    const std::string third = write(what, read_back(what, second), form);
    const adapter_message last = read_back(what, third);
    require(write(what, last, form) == third);
    require(last.head.type == first.head.type);
    require(last.content.attachments.size() == first.content.attachments.size());
    return 0;
}
