// Reads the parts of messages from JSON text. The members of an object are first found, then read:
// so their order does not matter, the type of a message may stand behind what depends on it, and of
// equal names the last counts.
// Invariant: what comes out is UTF-8 and valid JSON, and each of its attachments has exactly one
// placeholder in it; nothing that another node sends can name an attachment twice or one that is
// not there.

#include "cluster/adapter/proto/message_reader.hpp"

#include <algorithm>
#include <utility>

#include <weft/base/utf8.hpp>

#include "socketio/proto/msgpack_json.hpp"
#include "socketio/proto/packet.hpp"

namespace weft::cluster {
namespace {

using socketio::msgpack_kind;
using socketio::msgpack_token;
using socketio::placeholder_set;

errc from_socketio(socketio::errc why) noexcept {
    switch (why) {
        case socketio::errc::json_too_deep: return errc::body_too_deep;
        case socketio::errc::bad_attachment_count: return errc::too_many_attachments;
        case socketio::errc::bad_placeholder: return errc::bad_placeholder;
        default: return errc::malformed_body;
    }
}

/// Skips as many values with all that is in them. A count cannot overflow: each value takes a byte
/// and adds less than 2^33.
bool skip_values(socketio::msgpack_reader& in, std::uint64_t count) noexcept {
    msgpack_token token;
    for (; count > 0; --count) {
        if (!in.next(token)) return false;
        if (token.kind == msgpack_kind::array) count += token.number;
        if (token.kind == msgpack_kind::map) count += 2 * token.number;
    }
    return true;
}

}  // namespace

std::optional<msgpack_token> find_member(byte_view body, std::string_view name) noexcept {
    socketio::msgpack_reader in(body);
    msgpack_token map;
    if (!in.next(map) || map.kind != msgpack_kind::map) return std::nullopt;
    for (; map.number > 0; --map.number) {
        msgpack_token key;
        if (!in.next(key) || key.kind != msgpack_kind::text) return std::nullopt;
        if (as_text(key.bytes) == name) {
            msgpack_token value;
            return in.next(value) ? std::optional(value) : std::nullopt;
        }
        if (!skip_values(in, 1)) return std::nullopt;
    }
    return std::nullopt;
}

bool message_reader::fail(const json_reader& json) noexcept {
    switch (json.error()) {
        case json_errc::too_deep: return fail(errc::body_too_deep);
        case json_errc::ok:
        case json_errc::wrong_kind:
        case json_errc::not_integral:
        case json_errc::out_of_range: return fail(errc::bad_member);
        default: return fail(errc::malformed_body);
    }
}

bool message_reader::open_json(std::string_view body) {
    body_ = body;
    return validate_utf8(as_bytes(body)) || fail(errc::invalid_utf8);
}

bool message_reader::open_msgpack(byte_view body, binary_values binary) {
    socketio::attachment_list list{{}, placeholder_set::max_attachments};
    const bool apart = binary == binary_values::attachments;
    socketio::msgpack_reader in(body);
    translated_.reserve(body.size() + body.size() / 4);
    const socketio::errc failure = socketio::append_json(translated_, in, apart ? &list : nullptr);
    if (failure != socketio::errc{}) return fail(from_socketio(failure));
    if (!in.at_end()) return fail(errc::malformed_body);
    attachments_ = std::move(list.found);
    placeholders_ = placeholder_set(attachments_.size());
    return open_json(translated_);
}

bool message_reader::find_members(std::string_view object, std::span<const std::string_view> names,
                                  std::span<json_member> values) {
    if (!ok()) return false;
    std::fill(values.begin(), values.end(), json_member());
    json_reader json(object);
    if (object.empty() || json.peek() != json_kind::object) return fail(errc::bad_member);
    std::string_view key;
    std::string_view value;
    json.begin_object();
    while (json.next_key(key, scratch_)) {
        const auto found = std::find(names.begin(), names.end(), key);
        if (!json.raw(value)) break;
        if (found == names.end()) continue;
        values[static_cast<std::size_t>(found - names.begin())] = value;
    }
    return json.finish() || fail(json);
}

bool message_reader::elements(std::string_view array, std::span<std::string_view> values) {
    if (!ok()) return false;
    json_reader json(array);
    if (array.empty() || json.peek() != json_kind::array) return fail(errc::bad_member);
    std::size_t count = 0;
    std::string_view value;
    json.begin_array();
    while (json.next_element() && json.raw(value)) {
        if (count < values.size()) values[count++] = value;
    }
    if (!json.finish()) return fail(json);
    return count == values.size() || fail(errc::bad_member);
}

bool message_reader::text(json_member value, std::string& out) {
    if (!ok()) return false;
    json_reader json(value);
    return (!value.empty() && json.read(out)) || fail(errc::bad_member);
}

bool message_reader::optional_text(json_member value, std::string& out) {
    out.clear();
    return is_absent(value) ? ok() : text(value, out);
}

bool message_reader::number(json_member value, std::uint64_t& out) {
    if (!ok()) return false;
    json_reader json(value);
    return (!value.empty() && json.read(out)) || fail(errc::bad_member);
}

bool message_reader::flag(json_member value, bool& out) {
    if (!ok() || is_absent(value)) return ok();
    json_reader json(value);
    return json.read(out) || fail(errc::bad_member);
}

/// As JavaScript makes a text of a number that is an integer; others stay as they are written.
bool message_reader::name(json_reader& json, std::string& out) {
    if (json.peek() == json_kind::string) return json.read(out);
    if (json.peek() != json_kind::number) return fail(errc::bad_member);
    json_reader integer = json;
    std::string_view digits;
    if (!json.raw(digits)) return false;
    std::int64_t number = 0;
    out = integer.read(number) ? std::to_string(number) : std::string(digits);
    return true;
}

bool message_reader::room(json_member value, std::string& out) {
    if (!ok()) return false;
    json_reader json(value);
    return name(json, out) || fail(json);
}

bool message_reader::name_list(json_member value, std::vector<std::string>& out, std::size_t max,
                               errc too_many) {
    out.clear();
    if (!ok() || is_absent(value)) return ok();
    json_reader json(value);
    if (json.peek() != json_kind::array) return fail(errc::bad_member);
    json.begin_array();
    while (json.next_element()) {
        if (out.size() == max) return fail(too_many);
        if (!name(json, out.emplace_back())) break;
    }
    return json.finish() || fail(json);
}

bool message_reader::rooms(json_member value, std::vector<std::string>& out) {
    return name_list(value, out, limits_.max_rooms, errc::too_many_rooms);
}

bool message_reader::names(json_member value, std::vector<std::string>& out) {
    if (!name_list(value, out, limits_.max_names - names_, errc::too_many_names)) return false;
    names_ += out.size();
    return true;
}

bool message_reader::milliseconds(json_member value) {
    out_.head.timeout.reset();
    if (!ok() || is_absent(value)) return ok();
    constexpr double most = 1ULL << 53;
    json_reader json(value);
    double time = 0;
    if (!json.read(time)) return fail(errc::bad_member);
    out_.head.timeout = static_cast<std::uint64_t>(std::clamp(time, 0.0, most));
    return true;
}

bool message_reader::flags(json_member value) {
    enum : std::uint8_t { volatile_, compress, timeout, single, latest, count };
    static constexpr std::array<std::string_view, count> names{"volatile", "compress", "timeout",
                                                               "expectSingleResponse", "latest"};
    if (is_absent(value)) return ok();
    std::array<json_member, count> found;
    bool compressed = true;
    if (!members(value, names, found) || !flag(found[volatile_], out_.content.droppable) ||
        !flag(found[compress], compressed) || !milliseconds(found[timeout]) ||
        !flag(found[single], out_.head.expect_single_response) ||
        !optional_text(found[latest], out_.content.latest)) {
        return false;
    }
    out_.content.uncompressed = !compressed;
    return true;
}

bool message_reader::options(json_member value) {
    enum : std::uint8_t { in, except, flags_, count };
    static constexpr std::array<std::string_view, count> names{"rooms", "except", "flags"};
    std::array<json_member, count> found;
    return members(value, names, found) && rooms(found[in], out_.content.to.rooms) &&
           rooms(found[except], out_.content.to.except) && flags(found[flags_]);
}

bool message_reader::packet(json_member value, std::string_view nsp, std::string_view otherwise) {
    enum : std::uint8_t { type, data, nsp_, count };
    static constexpr std::array<std::string_view, count> names{"type", "data", "nsp"};
    std::array<json_member, count> found;
    std::uint64_t kind = 0;
    if (!members(value, names, found) || !number(found[type], kind)) return false;
    // Emitters in some languages say of an event that it is binary.
    if (kind != static_cast<std::uint64_t>(socketio::packet_type::event) &&
        kind != static_cast<std::uint64_t>(socketio::packet_type::binary_event)) {
        return fail(errc::bad_member);
    }
    std::string named(otherwise);
    if (!is_absent(found[nsp_]) && !text(found[nsp_], named)) return false;
    if (named != nsp) return fail(errc::other_namespace);
    if (!event(found[data])) return false;
    return socketio::refusal_of(out_.content.event) == socketio::errc{} ||
           fail(errc::bad_event_name);
}

/// Skips a value that will be told, with its placeholders.
bool message_reader::skip(json_reader& json) noexcept {
    const socketio::errc failure = socketio::skip_value(json, placeholders_);
    return failure == socketio::errc{} || fail(from_socketio(failure));
}

bool message_reader::event(json_member value) {
    if (!ok()) return false;
    json_reader json(value);
    if (value.empty() || json.peek() != json_kind::array) return fail(errc::bad_member);
    json.begin_array();
    if (!json.next_element()) return fail(errc::bad_event_name);
    if (json.peek() != json_kind::string && json.peek() != json_kind::number) {
        return fail(errc::bad_event_name);
    }
    if (!name(json, out_.content.event)) return fail(json);
    if (out_.content.event.size() > limits_.max_event_name) return fail(errc::bad_event_name);
    std::size_t begin = 0;
    std::size_t end = 0;
    while (json.next_element()) {
        static_cast<void>(json.peek());  // past white space
        if (begin == 0) begin = json.position();
        if (!skip(json)) return false;
        end = json.position();
    }
    out_.content.arguments.assign(value.substr(begin, end - begin));
    return json.finish() || fail(json);
}

bool message_reader::argument(json_member value) {
    if (!ok()) return false;
    out_.content.arguments.assign(value);
    if (value.empty()) return true;
    json_reader json(value);
    return skip(json);
}

bool message_reader::socket(std::string_view description) {
    enum : std::uint8_t { id, handshake, rooms_, data, count };
    static constexpr std::array<std::string_view, count> keys{"id", "handshake", "rooms", "data"};
    if (out_.head.sockets.size() == limits_.max_sockets) return fail(errc::too_many_sockets);
    socket_description& out = out_.head.sockets.emplace_back();
    std::array<json_member, count> found;
    if (!members(description, keys, found) || !text(found[id], out.id) ||
        !names(found[rooms_], out.rooms)) {
        return false;
    }
    out.data.assign(found[data]);
    if (is_absent(found[handshake])) return true;
    out.handshake.assign(found[handshake]);
    return out.handshake[0] == '{' || fail(errc::bad_member);
}

bool message_reader::sockets(json_member value) {
    if (!ok()) return false;
    json_reader json(value);
    if (value.empty() || json.peek() != json_kind::array) return fail(errc::bad_member);
    json_reader first = json;
    first.begin_array();
    if (first.next_element() && first.peek() == json_kind::string) {
        out_.head.type = message_type::socket_ids;
        return names(value, out_.content.names);
    }
    out_.head.type = message_type::sockets;
    json.begin_array();
    std::string_view description;
    while (json.next_element() && json.raw(description)) {
        if (!socket(description)) return false;
    }
    return json.finish() || fail(json);
}

errc message_reader::finish() {
    if (!ok()) return error_;
    if (!placeholders_.complete()) return errc::bad_placeholder;
    out_.content.attachments.reserve(attachments_.size());
    for (const byte_view bytes : attachments_) {
        if (!out_.content.attachments.emplace_back(message::binary(bytes))) {
            return errc::out_of_memory;
        }
    }
    return errc{};
}

}  // namespace weft::cluster
