#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <weft/pubsub/message.hpp>
#include <weft/socketio/arguments.hpp>
#include <weft/socketio/detail/emit.hpp>

#include "socketio/scratch_pool.hpp"

namespace weft::socketio::detail {

class loop_context;
class server_core;
struct space_info;

/// A packet as the messages that carry it, for many receivers. It borrows its list from the loop's
/// pool. **Lifetime**: not longer than the call that wrote it.
class written_packet {
public:
    explicit written_packet(scratch_pool<std::vector<message>>& pool) : group_(pool.borrow()) {}

    void add(message part) { group_->push_back(std::move(part)); }
    /// Empty when the packet could not be written.
    [[nodiscard]] std::span<const message> messages() const noexcept { return *group_; }

private:
    scratch_pool<std::vector<message>>::loan group_;
};

/// How an event of a namespace wants to be delivered. `key` is memory for the result.
[[nodiscard]] message_options delivery_of(const emit_flags& flags, std::string_view nsp,
                                          std::string& key);

/// What a packet that can be recovered bears, and the offset that its client is told.
struct packet_name {
    std::uint64_t stamp = 0;
    std::string offset;
};

/// Writes an event as the Engine.IO packets that carry it.
[[nodiscard]] written_packet write_event(loop_context& context, const space_info& space,
                                         std::string_view event, const encoded_arguments& args,
                                         const emit_flags& flags,
                                         const packet_name* name = nullptr);

/// Replaces a packet in text form, behind its type digit, by its msgpack form. False when it is not
/// a packet that a client would take.
[[nodiscard]] bool to_msgpack(const server_core& core, std::string& packet,
                              std::span<const message> attachments);

/// Tells those who listen to what goes out.
void tell_outgoing(const space_info& space, loop_context& context, std::string_view event,
                   const encoded_arguments& args);

}  // namespace weft::socketio::detail
