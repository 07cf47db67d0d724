// The one table of what can go wrong with the messages of a cluster. The order is that of the
// enumeration, which a static assertion checks.

#include <array>
#include <string_view>

#include "base/error_table.hpp"
#include "cluster/adapter/proto/error.hpp"

namespace weft::cluster {
namespace {

struct error_row {
    errc code;
    std::string_view text;
    condition kind;
};

constexpr condition broken = condition::protocol_violation;
constexpr condition limit = condition::limit_exceeded;

constexpr std::array<error_row, 13> rows{{
    {errc::malformed_body, "a message of the cluster is neither valid JSON nor valid msgpack",
     broken},
    {errc::invalid_utf8, "a message of the cluster is not UTF-8", broken},
    {errc::body_too_deep, "a message of the cluster is nested more than 512 deep", limit},
    {errc::too_many_attachments, "a message of the cluster has more than 64 binary values", limit},
    {errc::bad_placeholder,
     "placeholders and binary values in a message of the cluster do not match", broken},
    {errc::unknown_type, "this kind of adapter has no message of this type", broken},
    {errc::bad_member, "a message of the cluster lacks a member, or has one of another kind",
     broken},
    {errc::bad_event_name, "a message of the cluster has an event name that must not be sent",
     broken},
    {errc::other_namespace, "a message of the cluster names another namespace than its channel",
     broken},
    {errc::too_many_rooms, "a message of the cluster names more rooms than max_rooms", limit},
    {errc::too_many_names, "a reply of the cluster has more names than max_names", limit},
    {errc::too_many_sockets, "a reply of the cluster has more sockets than max_sockets", limit},
    {errc::out_of_memory, "no memory for a message of the cluster", limit},
}};

}  // namespace

const std::error_category& error_category() noexcept {
    static const table_category<rows> category("weft.cluster");
    return category;
}

}  // namespace weft::cluster
