#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <weft/base/json_writer.hpp>

#include "cluster/adapter/proto/error.hpp"
#include "cluster/adapter/proto/message.hpp"

namespace weft::cluster {

/// Writes the parts of which the messages of all adapters consist, as JSON and in Node's order.
/// **Lifetime**: borrows the head and the content.
class message_writer {
public:
    message_writer(std::string& text, const message_head& head,
                   const socketio::cluster_message& content) noexcept
        : json_(text), head_(head), content_(content) {}

    [[nodiscard]] json_writer& json() noexcept { return json_; }

    /// A member, but not an empty one.
    void member_if(std::string_view name, std::string_view text);
    void names(std::string_view name, const std::vector<std::string>& list);
    /// `{rooms, except}`
    void audience();
    /// `{rooms, except, flags}`
    void options();
    enum class packet_nsp : std::uint8_t { told, untold };
    /// `{type, data, nsp}`
    void packet(packet_nsp nsp);
    /// `[name, argument, ...]`
    void event();
    /// A member with one value; left out if there is none.
    void argument(std::string_view name);
    /// A member with descriptions.
    void sockets();

private:
    json_writer json_;
    const message_head& head_;
    const socketio::cluster_message& content_;
};

/// Appends a body that `message_writer` wrote. Attachments make msgpack of it.
/// **Errors**: `errc{}` is success.
[[nodiscard]] errc append_body(std::string& out, body_form form, std::string_view json,
                               const std::vector<message>& attachments);

}  // namespace weft::cluster
