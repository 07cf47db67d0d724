#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/redis/proto/reply.hpp"

namespace weft::cluster::redis {

/// Slots and the node that serves them.
struct slot_range {
    std::uint16_t first = 0, last = 0;  ///< Inclusive.
    std::string host;                   ///< Empty: that of the node that was asked.
    std::uint16_t port = 0;
};

/// Reads the reply to CLUSTER SLOTS: the masters. Nothing if it is not one, for whatever reason.
[[nodiscard]] std::optional<std::vector<slot_range>> read_slots(const reply_view& reply);

/// Where a node says that a command should have gone.
struct redirection {
    enum class kind : std::uint8_t {
        moved,  ///< The slot is there.
        ask,    ///< This key is there, for this once, after ASKING.
    };
    kind what = kind::moved;
    std::uint16_t slot = 0;
    std::string host;  ///< As in `slot_range`.
    std::uint16_t port = 0;
};

/// Reads the text of an error reply. Nothing if it is none of these.
[[nodiscard]] std::optional<redirection> read_redirection(std::string_view text);

}  // namespace weft::cluster::redis
