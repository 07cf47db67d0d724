#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weft::engineio {

/// What a server told in its open packet. Times in milliseconds.
struct open_reply {
    std::string sid;
    bool upgrades_to_websocket = false;
    std::uint64_t ping_interval = 0;
    std::uint64_t ping_timeout = 0;
    std::uint64_t max_payload = 0;  ///< 0 when the server does not say.
};

/// Reads the data of an open packet, valid UTF-8. Members that it does not know are skipped.
/// **Errors**: nothing when it is not such an object, or has no usable id.
[[nodiscard]] std::optional<open_reply> read_open(std::string_view data);

/// Appends `name=value`, both escaped, behind `?` or `&`, whichever `target` needs.
void append_query(std::string& target, std::string_view name, std::string_view value);

}  // namespace weft::engineio
