#pragma once

#include <charconv>
#include <optional>
#include <string_view>

#include <weft/socketio/cluster_message.hpp>

namespace weft::cluster {

/// An entry's id, "1795343457414-0"; nothing if it is none.
[[nodiscard]] inline std::optional<socketio::log_position> parse_position(
    std::string_view id) noexcept {
    socketio::log_position at;
    const char* const end = id.data() + id.size();
    const auto [dash, bad] = std::from_chars(id.data(), end, at.time);
    if (bad != std::errc{} || dash == end || *dash != '-') return {};
    const auto [rest, worse] = std::from_chars(dash + 1, end, at.sequence);
    if (worse != std::errc{} || rest != end) return {};
    return at;
}

}  // namespace weft::cluster
