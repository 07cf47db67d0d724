#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "cluster/nodes/proto/error.hpp"

namespace weft::cluster::nodes {

/// Who is at the far end of a stream, and what it asks for.
struct stream_facts {
    std::string address;  ///< Numeric; empty for a unix socket.
    std::uint16_t port = 0;
    bool secure = false;    ///< It came by TLS.
    bool by_proxy = false;  ///< A trusted proxy is between, whose headers count.
    std::string sid;        ///< The session, which says on which loop it is served.
};

inline constexpr std::size_t max_address = 64;
inline constexpr std::size_t max_sid = 64;
inline constexpr std::size_t min_stream_facts = 5;  // an empty address, one character of a sid
inline constexpr std::size_t max_stream_facts = 4 + max_address + max_sid;

/// Texts that are too long are cut.
[[nodiscard]] std::string write_stream_facts(const stream_facts& what);
/// **Errors**: `malformed_open`.
[[nodiscard]] errc read_stream_facts(std::string_view payload, stream_facts& out);

}  // namespace weft::cluster::nodes
