// What opens a stream: flags, port, the size of the address, the address, the session's id.

#include "cluster/nodes/proto/stream_facts.hpp"

namespace weft::cluster::nodes {
namespace {

constexpr unsigned secure_flag = 1;
constexpr unsigned by_proxy_flag = 2;

}  // namespace

std::string write_stream_facts(const stream_facts& what) {
    const std::string_view address = std::string_view(what.address).substr(0, max_address);
    std::string out;
    out +=
        static_cast<char>((what.secure ? secure_flag : 0U) | (what.by_proxy ? by_proxy_flag : 0U));
    out += static_cast<char>(what.port >> 8U);
    out += static_cast<char>(what.port & 0xFFU);
    out += static_cast<char>(address.size());
    out += address;
    out += std::string_view(what.sid).substr(0, max_sid);
    return out;
}

errc read_stream_facts(std::string_view payload, stream_facts& out) {
    if (payload.size() < min_stream_facts || payload.size() > max_stream_facts)
        return errc::malformed_open;
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(payload[at]); };
    const unsigned flags = byte(0);
    const std::size_t address = byte(3);
    if (flags > (secure_flag | by_proxy_flag) || address > max_address) return errc::malformed_open;
    const std::string_view texts = payload.substr(4);
    if (texts.size() <= address || texts.size() - address > max_sid) return errc::malformed_open;
    out.secure = (flags & secure_flag) != 0;
    out.by_proxy = (flags & by_proxy_flag) != 0;
    out.port = static_cast<std::uint16_t>(byte(1) << 8U | byte(2));
    out.address = texts.substr(0, address);
    out.sid = texts.substr(address);
    return errc::none;
}

}  // namespace weft::cluster::nodes
