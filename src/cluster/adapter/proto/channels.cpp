// The names of channels. Node's adapters put them together the same way and compare beginnings, so
// the names must agree byte by byte, a room's being whatever stands between the namespace and the
// last character.

#include "cluster/adapter/proto/channels.hpp"

#include <initializer_list>

namespace weft::cluster {
namespace {

constexpr std::string_view for_requests = "-request";
constexpr std::string_view for_responses = "-response";

std::string joined(std::initializer_list<std::string_view> parts) {
    std::string out;
    for (const std::string_view part : parts) out += part;
    return out;
}

std::string escaped(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (std::string_view("*?[\\").find(c) != std::string_view::npos) out += '\\';
        out += c;
    }
    return out;
}

bool take(std::string_view& from, std::string_view part) noexcept {
    if (!from.starts_with(part)) return false;
    from.remove_prefix(part.size());
    return true;
}

}  // namespace

std::string broadcast_channel(std::string_view key, std::string_view nsp) {
    return joined({key, "#", nsp, "#"});
}

std::string target_channel(std::string_view key, std::string_view nsp, std::string_view target) {
    return joined({key, "#", nsp, "#", target, "#"});
}

std::string id_pattern(std::string_view key, std::string_view nsp) {
    return escaped(broadcast_channel(key, nsp)) + std::string(20, '?') + '#';
}

std::string request_channel(std::string_view key, std::string_view nsp) {
    return joined({key, for_requests, "#", nsp, "#"});
}

std::string response_channel(std::string_view key, std::string_view nsp, std::string_view uid) {
    return joined({key, for_responses, "#", nsp, "#", uid, uid.empty() ? "" : "#"});
}

std::optional<channel_name> parse_channel(std::string_view channel, std::string_view key) noexcept {
    channel_name out;
    if (!take(channel, key)) return std::nullopt;
    if (take(channel, for_requests)) {
        out.kind = channel_kind::request;
    } else if (take(channel, for_responses)) {
        out.kind = channel_kind::response;
    }
    if (!take(channel, "#")) return std::nullopt;
    const std::size_t end = channel.find('#');
    if (end == channel.npos) return std::nullopt;
    out.nsp = channel.substr(0, end);
    channel.remove_prefix(end + 1);
    if (channel.empty()) return out;
    if (!channel.ends_with('#')) return std::nullopt;
    channel.remove_suffix(1);
    out.target = channel;
    return out;
}

}  // namespace weft::cluster
