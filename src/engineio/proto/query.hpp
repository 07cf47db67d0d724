#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace weft::engineio {

/// The parameters of Engine.IO in a query. **Lifetime**: views into it.
///
/// Values are taken as they stand: what clients send needs no escape, and what is escaped is
/// nothing that we know. Of a repeated parameter the last counts, as in Node.
struct query_facts {
    std::string_view transport;
    std::optional<std::string_view> sid;
    std::optional<std::string_view> jsonp;  ///< `j`
    int protocol = 3;                       ///< 4 when `EIO` is exactly that.
    bool base64 = false;                    ///< `b64`: the client cannot take binary frames.
};

[[nodiscard]] query_facts parse_query(std::string_view query) noexcept;

}  // namespace weft::engineio
