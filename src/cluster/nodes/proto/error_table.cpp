// The one table of what can go wrong between two nodes. The order is that of the enumeration, which
// a static assertion checks.

#include <array>
#include <string_view>

#include "base/error_table.hpp"
#include "cluster/nodes/proto/error.hpp"

namespace weft::cluster::nodes {
namespace {

struct error_row {
    errc code;
    std::string_view text;
    condition kind;
};

constexpr condition broken = condition::protocol_violation;
constexpr condition limit = condition::limit_exceeded;

constexpr std::array<error_row, 18> rows{{
    {errc::unknown_type, "the node sent a frame of no known type", broken},
    {errc::frame_too_long, "the node sent a frame that is longer than its type may be", limit},
    {errc::wrong_size, "the node sent a frame that is shorter than its type must be", broken},
    {errc::wrong_stream, "the node sent a frame about a stream that there is not", broken},
    {errc::out_of_order, "the node sent a frame that has no place there", broken},
    {errc::malformed_open, "the node opened a stream for no client", broken},
    {errc::stream_repeated, "the node opened a stream twice", broken},
    {errc::too_many_streams, "the node opened more than a million streams", limit},
    {errc::window_exceeded, "the node sent more than there was room for", limit},
    {errc::credit_overflow, "the node made more room than a stream has", limit},
    {errc::other_version, "the node speaks another version of the protocol", condition{}},
    {errc::other_node, "another node is at this address now", condition{}},
    {errc::wrong_proof, "the other side does not know the secret (node_options::secret)", broken},
    {errc::greeting_too_slow, "the greeting took longer than connect_timeout",
     condition::limit_exceeded},
    {errc::silent, "the node gave no sign of life for ping_timeout", condition::peer_gone},
    {errc::unknown_node, "Redis knows no such node", condition::peer_gone},
    {errc::unreachable, "the node cannot be reached", condition::peer_gone},
    {errc::reset_by_node, "the other node gave the stream up", condition::peer_gone},
}};

}  // namespace

const std::error_category& error_category() noexcept {
    static const table_category<rows> category("weft.nodes");
    return category;
}

std::string_view describe(errc e) noexcept {
    const auto at = static_cast<std::size_t>(e) - 1;
    return at < rows.size() ? rows[at].text : std::string_view();
}

}  // namespace weft::cluster::nodes
