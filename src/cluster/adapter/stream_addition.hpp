#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cluster/adapter/proto/cluster_codec.hpp"

namespace weft::cluster {

/// What is only told by messages of a stream, as Node does.
[[nodiscard]] constexpr bool is_for_stream(const message_head& head) noexcept {
    return head.type < message_type::server_side_emit && head.request_id.empty();
}

/// The XADD of an entry. Fields beside those of Node, which overlooks them: the number by which its
/// sender knows an entry again, whether sockets are disconnected that live on elsewhere, and
/// whether the sender's sockets had some of what is in front of this before it had a place.
class stream_addition {
public:
    stream_entry entry;
    std::string number;           ///< Empty: none.
    std::string superseded_by{};  ///< Empty: is not told.
    bool had = false;

    /// **Lifetime**: while the names and this live, unchanged.
    [[nodiscard]] std::vector<std::string_view> command(std::string_view stream,
                                                        std::string_view max_length) const {
        std::vector<std::string_view> all{"XADD",     stream,    "MAXLEN", "~",
                                          max_length, "*",       "uid",    entry.uid,
                                          "nsp",      entry.nsp, "type",   entry.type};
        if (!entry.data.empty()) all.insert(all.end(), {"data", entry.data});
        if (!number.empty()) all.insert(all.end(), {"number", number});
        if (!superseded_by.empty()) all.insert(all.end(), {"superseded_by", superseded_by});
        if (had) all.insert(all.end(), {"had", "1"});
        return all;
    }
    /// **Units**: bytes that it takes while it waits.
    [[nodiscard]] std::size_t size() const noexcept {
        return sizeof(stream_addition) + entry.uid.size() + entry.nsp.size() + entry.data.size();
    }
};

}  // namespace weft::cluster
