#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weft::cluster {

// The channels of an adapter. `key` is the prefix that all nodes of a cluster share, "socket.io"
// unless they are told otherwise.

/// `key#nsp#`: to all nodes that have the namespace.
[[nodiscard]] std::string broadcast_channel(std::string_view key, std::string_view nsp);
/// `key#nsp#target#`: about one room; with newer adapters also the answers to the node of this uid.
[[nodiscard]] std::string target_channel(std::string_view key, std::string_view nsp,
                                         std::string_view target);
/// `key#nsp#????????????????????#` for PSUBSCRIBE: about rooms whose names have the 20 bytes of a
/// socket's id. What is special in a pattern is escaped.
[[nodiscard]] std::string id_pattern(std::string_view key, std::string_view nsp);
/// `key-request#nsp#`; only the classic adapter.
[[nodiscard]] std::string request_channel(std::string_view key, std::string_view nsp);
/// `key-response#nsp#`, or `key-response#nsp#uid#` for the node of this uid alone; classic.
[[nodiscard]] std::string response_channel(std::string_view key, std::string_view nsp,
                                           std::string_view uid = {});

enum class channel_kind : std::uint8_t { broadcast, request, response };

/// A channel in parts. **Lifetime**: views of its name.
struct channel_name {
    channel_kind kind{};
    std::string_view nsp;
    std::string_view target;  ///< A room or a uid; empty: the channel is for the whole namespace.
};

/// The parts of a channel; nothing if its name has another key or form. A namespace ends at the
/// first `#`: one that has a `#` itself cannot be told from a room.
[[nodiscard]] std::optional<channel_name> parse_channel(std::string_view channel,
                                                        std::string_view key) noexcept;

}  // namespace weft::cluster
