// Msgpack packets to text packets and back; msgpack_json.hpp translates their payloads.
// Invariant: neither direction decides what a packet may hold; parse_packet does, on the text.

#include "socketio/proto/msgpack_packet.hpp"

#include <optional>
#include <utility>

#include "socketio/proto/msgpack.hpp"
#include "socketio/proto/msgpack_json.hpp"

namespace weft::socketio {
namespace {

constexpr bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

/// Reads the map that a packet is.
class packet_translator {
public:
    packet_translator(byte_view message, attachment_list& attachments) noexcept
        : in_(message), attachments_(attachments) {}

    [[nodiscard]] errc read() {
        msgpack_token map;
        if (!in_.next(map) || map.kind != msgpack_kind::map) return errc::bad_msgpack;
        for (; map.number > 0; --map.number) {
            if (const errc failure = member(); failure != errc{}) return failure;
        }
        if (!in_.at_end()) return errc::bad_msgpack;
        if (!type_ || *type_ > static_cast<std::uint64_t>(packet_type::connect_error)) {
            return errc::unknown_packet_type;
        }
        // In the text form these would change the meaning of what follows.
        if (!nsp_.starts_with('/') || nsp_.find(',') != nsp_.npos) return errc::bad_namespace;
        if (!data_.empty() && is_digit(data_[0])) return errc::bad_payload;
        const auto type = static_cast<packet_type>(*type_);
        const bool array = type == packet_type::event || type == packet_type::ack;
        if (data_.empty() && (array || type == packet_type::connect_error)) {
            return errc::bad_payload;
        }
        return attachments_.found.empty() || array ? errc{} : errc::bad_payload;
    }

    void write(std::string& text) const {
        auto type = *type_;
        if (!attachments_.found.empty())
            type += 3;  // event and ack become binary_event and binary_ack
        text += std::to_string(type);
        if (!attachments_.found.empty()) {
            text += std::to_string(attachments_.found.size());
            text += '-';
        }
        text += nsp_;
        text += ',';
        if (id_) text += std::to_string(*id_);
        text += data_;
    }

private:
    [[nodiscard]] errc member() {
        msgpack_token key;
        if (!in_.next(key) || key.kind != msgpack_kind::text) return errc::bad_msgpack;
        const std::string_view name = as_text(key.bytes);
        if (name == "type") return integer(type_, errc::unknown_packet_type);
        if (name == "id") return integer(id_, errc::bad_ack_id);
        if (name == "nsp") return nsp();
        if (name == "data") return data();
        return skip();
    }

    /// A positive integer, or nothing for `undefined`.
    [[nodiscard]] errc integer(std::optional<std::uint64_t>& out, errc otherwise) noexcept {
        msgpack_token token;
        if (!in_.next(token)) return errc::bad_msgpack;
        out.reset();
        if (is_undefined(token)) return errc{};
        if (token.kind != msgpack_kind::positive) return otherwise;
        out = token.number;
        return errc{};
    }

    [[nodiscard]] errc nsp() noexcept {
        msgpack_token token;
        if (!in_.next(token)) return errc::bad_msgpack;
        if (token.kind != msgpack_kind::text) return errc::bad_namespace;
        nsp_ = as_text(token.bytes);
        return errc{};
    }

    /// Of two members with the same name the second counts, as in JavaScript.
    [[nodiscard]] errc data() {
        data_.clear();
        attachments_.found.clear();
        return append_json(data_, in_, &attachments_);
    }

    /// A member that means nothing here, as the `options` of JavaScript clients.
    [[nodiscard]] errc skip() {
        const std::size_t size = data_.size();
        const std::size_t count = attachments_.found.size();
        const errc failure = append_json(data_, in_, &attachments_);
        data_.resize(size);
        attachments_.found.resize(count);
        return failure;
    }

    msgpack_reader in_;
    attachment_list& attachments_;
    std::string data_;
    std::optional<std::uint64_t> type_;
    std::optional<std::uint64_t> id_;
    std::string_view nsp_;
};

packet_type without_binary(packet_type type) noexcept {
    if (type == packet_type::binary_event) return packet_type::event;
    if (type == packet_type::binary_ack) return packet_type::ack;
    return type;
}

void append_id(std::string& out, const packet_view& packet) {
    if (!packet.id) return;
    append_msgpack_text(out, "id");
    append_msgpack_positive(out, *packet.id);
}

}  // namespace

errc msgpack_to_text(byte_view message, const packet_limits& limits, std::string& text,
                     std::vector<byte_view>& attachments) {
    text.clear();
    attachments.clear();
    attachment_list list{std::move(attachments), limits.max_attachments};
    packet_translator packet(message, list);
    const errc failure = packet.read();
    if (failure == errc{}) packet.write(text);
    attachments = std::move(list.found);
    return failure;
}

void append_msgpack_packet(std::string& out, const packet_view& packet,
                           std::span<const byte_view> attachments) {
    const packet_type type = without_binary(packet.type);
    const std::size_t members = 2U + (packet.id ? 1 : 0) + (packet.data.empty() ? 0 : 1);
    append_msgpack_map(out, members);
    // The order of socket.io's own packets: acknowledgements have their id in front.
    if (type == packet_type::ack) append_id(out, packet);
    append_msgpack_text(out, "type");
    append_msgpack_positive(out, static_cast<std::uint64_t>(type));
    if (!packet.data.empty()) {
        append_msgpack_text(out, "data");
        static_cast<void>(append_msgpack(out, packet.data, attachments));  // valid: it was parsed
    }
    if (type != packet_type::ack) append_id(out, packet);
    append_msgpack_text(out, "nsp");
    append_msgpack_text(out, packet.nsp);
}

}  // namespace weft::socketio
