// The one table of what can go wrong with a Redis server. The order is that of the enumeration,
// which a static assertion checks.

#include <array>
#include <string_view>

#include "base/error_table.hpp"
#include "cluster/redis/proto/error.hpp"

namespace weft::cluster::redis {
namespace {

struct error_row {
    errc code;
    std::string_view text;
    condition kind;
};

constexpr condition broken = condition::protocol_violation;
constexpr condition limit = condition::limit_exceeded;

constexpr std::array<error_row, 14> rows{{
    {errc::malformed_reply, "a reply of the server is malformed", broken},
    {errc::streamed_reply, "the server sent a streamed reply, which no command asks for", broken},
    {errc::bulk_too_long, "a text in a reply of the server is longer than max_reply_size", limit},
    {errc::too_many_elements, "a reply of the server has more than a million elements", limit},
    {errc::reply_too_deep, "a reply of the server is nested too deeply", limit},
    {errc::reply_too_long, "a reply of the server is longer than max_reply_size", limit},
    {errc::unexpected_reply, "the server sent a reply to no command", broken},
    {errc::refused_by_server, "the Redis server refused the command", condition{}},
    {errc::queue_full, "more than max_queue waits for the Redis server", limit},
    {errc::connection_lost, "the connection was lost; the command may have been executed",
     condition::peer_gone},
    {errc::no_master, "no Sentinel has named the master", condition{}},
    {errc::not_a_master, "the server is not the master", condition{}},
    {errc::redirected_too_often, "the nodes of the Redis Cluster sent the command around",
     condition{}},
    {errc::no_node, "no node of the Redis Cluster serves the slot", condition{}},
}};

}  // namespace

const std::error_category& error_category() noexcept {
    static const table_category<rows> category("weft.redis");
    return category;
}

}  // namespace weft::cluster::redis
