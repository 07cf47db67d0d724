// Any text into the arguments of an event with rich types: nothing breaks, and a failure has a
// reason in UTF-8. What a packet may hold is written, once decoded, as JSON that decodes to the
// same, bytes included, also when it travels as msgpack. First byte: how many attachments there
// are.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include <weft/base/utf8.hpp>
#include <weft/socketio/arguments.hpp>
#include <weft/socketio/value.hpp>

#include "socketio/proto/msgpack_packet.hpp"
#include "socketio/proto/packet.hpp"

namespace {

using namespace weft::socketio;

enum class colour { red, green };
WEFT_ENUM(colour, red, green)

struct node {
    std::string name;
    std::optional<double> weight;
    std::vector<node> children;
    std::variant<int, std::vector<std::variant<bool, node>>, std::string> either;
};
WEFT_FIELDS(node, name, weight, children, either)

struct rich {
    std::int8_t small = 0;
    std::uint64_t large = 0;
    float real = 0;
    colour shade{};
    std::map<std::string, std::array<int, 2>> places;
    std::unordered_map<std::string, bool> flags;
    std::tuple<int, std::string> pair;
    std::optional<std::chrono::system_clock::time_point> when;
    std::optional<std::vector<std::byte>> content;
    std::optional<weft::message> shared;
    std::optional<std::pair<std::monostate, std::vector<bool>>> rest_of_it;
    std::optional<node> tree;
    std::optional<value> any;
    std::optional<json_text> text;
};
WEFT_FIELDS(rich, small, large, real, shade, places, flags, pair, when, content, shared, rest_of_it,
            tree, any, text)

void require(bool holds) {
    if (!holds) std::abort();
}

std::vector<weft::byte_view> views(const encoded_arguments& of) {
    std::vector<weft::byte_view> all;
    for (const weft::message& one : of.attachments) all.push_back(one.bytes());
    return all;
}

bool same(const encoded_arguments& a, const encoded_arguments& b) {
    return a.json == b.json &&
           std::equal(a.attachments.begin(), a.attachments.end(), b.attachments.begin(),
                      b.attachments.end(), [](const weft::message& x, const weft::message& y) {
                          return weft::as_text(x.bytes()) == weft::as_text(y.bytes());
                      });
}

/// What a peer has that gets and sends these arguments on.
template <class... T>
encoded_arguments relayed(std::string_view json, std::span<const weft::byte_view> attachments) {
    borrowed_texts texts;
    const auto all = detail::decode_arguments<T...>("fuzz", {json, attachments}, texts);
    require(all.has_value());
    return detail::encode_answer(*all);
}

/// Whether a packet with these arguments would have been let in.
bool may_come(std::string_view json, std::size_t attachments) {
    std::string text;
    append_event(text, "/", {}, "e", json, attachments);
    const packet_result packet = parse_packet(text, {}, protocol_version::v4);
    return packet && packet.packet.arguments == json;
}

/// The same by msgpack; nothing when its limits are narrower.
template <class... T>
std::optional<encoded_arguments> relayed_packed(const encoded_arguments& args) {
    std::string text;
    append_event(text, "/", {}, "e", args.json, args.attachments.size());
    const packet_result packet = parse_packet(text, {}, protocol_version::v4);
    if (!packet) return {};
    std::string packed;
    append_msgpack_packet(packed, packet.packet, views(args));
    std::vector<weft::byte_view> attachments;
    require(msgpack_to_text(weft::as_bytes(packed), {}, text, attachments) == errc{});
    const packet_result back = parse_packet(text, {}, protocol_version::v4);
    require(static_cast<bool>(back));
    return relayed<T...>(back.packet.arguments, attachments);
}

template <class... T>
void round_trip(std::string_view json, std::span<const weft::byte_view> attachments) {
    borrowed_texts texts;
    const auto all = detail::decode_arguments<T...>("fuzz", {json, attachments}, texts);
    if (!all) {
        require(!all.error().what().empty());
        require(weft::validate_utf8(weft::as_bytes(all.error().what())));
        return;
    }
    if (!may_come(json, attachments.size())) return;
    const encoded_arguments once = detail::encode_answer(*all);
    require(weft::validate_utf8(weft::as_bytes(once.json)));
    // The first times may change how a number is written: 2e16 is an integer, and to msgpack so is
    // a raw 1e0; -1e-400 becomes -0, which becomes 0.
    const encoded_arguments twice = relayed<T...>(once.json, views(once));
    require(same(relayed<T...>(twice.json, views(twice)), twice));
    const auto packed = relayed_packed<T...>(once);
    if (!packed) return;
    const auto again = relayed_packed<T...>(*packed);
    require(again.has_value());
    const auto third = relayed_packed<T...>(*again);
    require(third && same(*third, *again));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 1) return 0;
    const std::string_view json(reinterpret_cast<const char*>(data) + 1, size - 1);
    if (!weft::validate_utf8(weft::as_bytes(json))) return 0;
    const std::array<weft::byte_view, 2> attachments{weft::as_bytes("one"), weft::as_bytes("")};
    const auto some = std::span(attachments).first(data[0] % 3U);
    round_trip<rich>(json, some);
    round_trip<value, std::optional<std::string_view>>(json, some);
    round_trip<std::variant<int, colour, std::vector<json_view>>, rest<value>>(json, some);
    static_cast<void>(detail::decode_ack<node>({json, some}));
    return 0;
}
