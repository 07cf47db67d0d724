#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <weft/socketio/error.hpp>

namespace weft::socketio {

/// The values are the digits of the text form.
enum class packet_type : std::uint8_t {
    connect,
    disconnect,
    event,
    ack,
    connect_error,
    binary_event,
    binary_ack,
};

/// The Engine.IO revision below, which says how Socket.IO packets are read: 4 means Socket.IO
/// clients since 3.0, 3 those before.
enum class protocol_version : std::uint8_t { v3 = 3, v4 = 4 };

/// What a text without attachments makes of an object that looks like a placeholder.
enum class lookalikes : std::uint8_t {
    refused,  ///< So nobody can smuggle one into a packet that is relayed with attachments.
    data,
};

/// What one packet may hold. Nesting has the limit of `json_reader`.
struct packet_limits {
    std::size_t max_attachments = 10;         ///< At most 64.
    std::size_t max_namespace_length = 1024;  ///< Bytes.
    std::size_t max_packet = 1024 * 1024;     ///< Bytes of the text and all attachments together.
    std::size_t max_event_name = 1024;        ///< Bytes, unescaped.
    lookalikes without_attachments = lookalikes::refused;
    static constexpr std::uint64_t max_ack_id =
        (1ULL << 53) - 1;  ///< What JavaScript can count to.
};

/// Of packets that we write ourselves.
inline constexpr packet_limits no_limits{64, std::string_view::npos, std::string_view::npos,
                                         std::string_view::npos, lookalikes::data};

/// What is between the quotes of a JSON string.
[[nodiscard]] inline std::string_view between_quotes(std::string_view text) noexcept {
    text.remove_prefix(1);
    text.remove_suffix(1);
    return text;
}

/// A packet in parts. **Lifetime**: all texts are views into the text that was parsed.
struct packet_view {
    packet_type type{};
    std::string_view nsp = "/";
    /// The query string behind the namespace, without `?`: how clients of v3 send what is `auth` in
    /// v4. In v4 it is part of the name.
    std::string_view query;
    std::optional<std::uint64_t> id;  ///< Events and acks: the acknowledgement id, if any.
    std::string_view data;            ///< The payload, valid JSON; empty when there is none.
    /// Events: the name as it stands in the JSON, a string with its quotes or a number. Empty when
    /// the event has no payload: then there is nothing to dispatch.
    std::string_view event;
    /// Events: the elements behind the name; acks: all elements. JSON values with commas between
    /// them, without the brackets: `"a",{"b":1}`. May be empty.
    std::string_view arguments;
    std::size_t attachments = 0;  ///< Binary messages that follow; each has one placeholder.
};

/// A packet, or why there is none.
struct packet_result {
    errc error{};  ///< 0: there is a packet.
    packet_view packet;

    explicit operator bool() const noexcept { return error == errc{}; }
};

/// Parses and validates a packet as a whole: UTF-8, JSON, the payload's form for its type, event
/// names, placeholders. What comes out may be copied into other packets unchecked.
///
/// Placeholders and attachments must match one to one; so text without attachments has no
/// placeholders, and no relayed argument can claim the attachment of another.
/// **Cost**: linear, no allocation. **See**: the Socket.IO protocol, revision 5.
[[nodiscard]] packet_result parse_packet(std::string_view text, const packet_limits& limits,
                                         protocol_version version) noexcept;

/// Why an event must not be sent under this name: Socket.IO uses it itself, or it is not UTF-8.
/// `errc{}`: it may be.
[[nodiscard]] errc refusal_of(std::string_view name) noexcept;

// The writers append one packet in its canonical form: no spaces, the namespace omitted when it is
// "/". Payloads are JSON that is valid already. `nsp` must not hold a comma.

/// `data`: an object, or empty for none.
void append_connect(std::string& out, std::string_view nsp, std::string_view data);
/// `data`: an object; for v3 a string.
void append_connect_error(std::string& out, std::string_view nsp, std::string_view data);
void append_disconnect(std::string& out, std::string_view nsp);
/// `name` is plain text, `arguments` JSON values with commas between them, perhaps none, which hold
/// one placeholder for each of the `attachments`.
void append_event(std::string& out, std::string_view nsp, std::optional<std::uint64_t> id,
                  std::string_view name, std::string_view arguments, std::size_t attachments = 0);
void append_ack(std::string& out, std::string_view nsp, std::uint64_t id,
                std::string_view arguments, std::size_t attachments = 0);

}  // namespace weft::socketio
