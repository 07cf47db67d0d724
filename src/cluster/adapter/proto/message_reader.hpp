#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <weft/base/bytes.hpp>
#include <weft/base/json_reader.hpp>

#include "cluster/adapter/proto/error.hpp"
#include "cluster/adapter/proto/message.hpp"
#include "socketio/proto/msgpack.hpp"
#include "socketio/proto/placeholders.hpp"

namespace weft::cluster {

/// What binary values become while a body is read.
enum class binary_values : std::uint8_t {
    attachments,
    base64,  ///< In descriptions of sockets, which are JSON and nothing else.
};

/// Whether a body is JSON: by its first byte, as Node decides.
[[nodiscard]] inline bool is_json(byte_view body) noexcept {
    return !body.empty() && body[0] == std::byte{'{'};
}

/// The value of a member of a msgpack map, without reading anything else. Of equal names the first.
[[nodiscard]] std::optional<socketio::msgpack_token> find_member(byte_view body,
                                                                 std::string_view name) noexcept;

/// The JSON text of a member of an object; empty if there is none.
using json_member = std::string_view;

/// `null` is what some writers make of a member that JavaScript has as `undefined`.
[[nodiscard]] inline bool is_absent(json_member value) noexcept {
    return value.empty() || value == "null";
}

/// Reads the parts of which the messages of all adapters consist.
///
/// A body in msgpack is translated to JSON first, so each part is read in one way. The parts are
/// views of that text. A call returns false at the first error, and every call after it does too.
/// **Lifetime**: the body and `out` outlive the reader; `out` refers to neither.
/// **Cost**: linear: a text is looked through once for each object around it, which are at most 5.
class message_reader {
public:
    /// Replaces what is in `out`.
    message_reader(const message_limits& limits, adapter_message& out)
        : limits_(limits), out_(out) {
        out_ = {};
    }
    message_reader(const message_reader&) = delete;
    message_reader& operator=(const message_reader&) = delete;

    /// Begins with a body. **Errors**: it is no UTF-8, or no msgpack. JSON is checked as it is
    /// read.
    bool open_json(std::string_view body);
    bool open_msgpack(byte_view body, binary_values binary);
    bool open(byte_view body, binary_values binary) {
        return is_json(body) ? open_json(as_text(body)) : open_msgpack(body, binary);
    }
    [[nodiscard]] std::string_view body() const noexcept { return body_; }

    /// The members that have these names; others are skipped. Of equal names the last counts, as in
    /// JavaScript.
    template <std::size_t N>
    bool members(std::string_view object, const std::array<std::string_view, N>& names,
                 std::array<json_member, N>& values) {
        return find_members(object, names, values);
    }
    /// The first elements of an array; further ones are skipped.
    bool elements(std::string_view array, std::span<std::string_view> values);

    bool text(json_member value, std::string& out);
    bool optional_text(json_member value, std::string& out);
    bool number(json_member value, std::uint64_t& out);
    /// Leaves `out` alone if there is no member.
    bool flag(json_member value, bool& out);
    /// A name of a room; see `rooms`.
    bool room(json_member value, std::string& out);
    /// Names of rooms or sockets; numbers, which Node has, too, become texts. No member: none.
    bool rooms(json_member value, std::vector<std::string>& out);
    /// The same within the limit for replies.
    bool names(json_member value, std::vector<std::string>& out);
    /// `{rooms, except, flags}`
    bool options(json_member value);
    /// `{type, data, nsp}`: an event that is sent to clients. `nsp` is its namespace; the packet
    /// may name the same, and names `otherwise` if it names none.
    bool packet(json_member value, std::string_view nsp, std::string_view otherwise);
    /// `[name, argument, ...]`
    bool event(json_member value);
    /// One value, or none.
    bool argument(json_member value);
    /// Descriptions, or nothing but ids.
    bool sockets(json_member value);

    bool fail(errc why) noexcept {
        if (error_ == errc{}) error_ = why;
        return false;
    }
    /// The end of the message: makes its attachments. **Errors**: `errc{}` is success.
    [[nodiscard]] errc finish();

private:
    [[nodiscard]] bool ok() const noexcept { return error_ == errc{}; }
    bool fail(const json_reader& json) noexcept;
    bool find_members(std::string_view object, std::span<const std::string_view> names,
                      std::span<json_member> values);
    bool name_list(json_member value, std::vector<std::string>& out, std::size_t max,
                   errc too_many);
    bool name(json_reader& json, std::string& out);
    bool flags(json_member value);
    bool milliseconds(json_member value);
    bool skip(json_reader& json) noexcept;
    bool socket(std::string_view description);

    const message_limits& limits_;
    adapter_message& out_;
    std::string translated_;  // from msgpack
    std::string_view body_;
    std::string scratch_;
    std::vector<byte_view> attachments_;
    socketio::placeholder_set placeholders_{0};
    std::size_t names_ = 0;
    errc error_{};
};

}  // namespace weft::cluster
