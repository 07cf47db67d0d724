// The text form of packets: `<type>[<attachments>-][<namespace>,][<ack id>][JSON]`. The parser
// reads the head from left to right and hands the rest to the JSON reader; UTF-8 is checked
// beforehand. It is stricter than the reference parser where that accepts what no client writes:
// white space before the payload, ids on packets that cannot be acknowledged, placeholders that
// name an attachment twice or none at all.

#include "socketio/proto/packet.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <weft/base/json_writer.hpp>
#include <weft/base/utf8.hpp>

#include "socketio/proto/placeholders.hpp"

namespace weft::socketio {
namespace {

constexpr std::array<std::string_view, 6> reserved_events{
    "connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"};

constexpr bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

constexpr bool is_event(packet_type type) noexcept {
    return type == packet_type::event || type == packet_type::binary_event;
}
constexpr bool is_ack(packet_type type) noexcept {
    return type == packet_type::ack || type == packet_type::binary_ack;
}
constexpr bool is_binary(packet_type type) noexcept {
    return type == packet_type::binary_event || type == packet_type::binary_ack;
}

class text_parser {
public:
    text_parser(std::string_view text, const packet_limits& limits,
                protocol_version version) noexcept
        : text_(text), limits_(limits), version_(version) {}

    packet_result parse() noexcept {
        packet_result result;
        result.error = whole();
        result.packet = packet_;
        return result;
    }

private:
    static constexpr errc ok{};

    [[nodiscard]] errc whole() noexcept {
        if (!validate_utf8(as_bytes(text_))) return errc::invalid_utf8;
        if (text_.empty() || text_[0] < '0' || text_[0] > '6') return errc::unknown_packet_type;
        packet_.type = static_cast<packet_type>(text_[0] - '0');
        position_ = 1;
        if (is_binary(packet_.type) && !attachment_count()) return errc::bad_attachment_count;
        if (!nsp()) return errc::bad_namespace;
        if (!ack_id()) return errc::bad_ack_id;
        if (position_ == text_.size()) {
            return packet_.attachments == 0 ? ok : errc::bad_placeholder;
        }
        return payload();
    }

    /// 1 to the limit in plain digits, and a dash.
    [[nodiscard]] bool attachment_count() noexcept {
        const char* const begin = text_.data() + position_;
        const char* const end = text_.data() + text_.size();
        if (begin == end || *begin < '1' || *begin > '9') return false;
        const auto [dash, failed] = std::from_chars(begin, end, packet_.attachments);
        if (failed != std::errc{} || dash == end || *dash != '-') return false;
        position_ = static_cast<std::size_t>(dash - text_.data()) + 1;
        return packet_.attachments <=
               std::min(limits_.max_attachments, placeholder_set::max_attachments);
    }

    /// `substr` checks its bounds again, four times in an event.
    [[nodiscard]] std::string_view part(std::size_t begin, std::size_t end) const noexcept {
        return {text_.data() + begin, end - begin};
    }

    [[nodiscard]] bool nsp() noexcept {
        if (position_ == text_.size() || text_[position_] != '/') return true;
        const std::size_t end = std::min(text_.find(',', position_), text_.size());
        packet_.nsp = part(position_, end);
        position_ = std::min(end + 1, text_.size());
        if (version_ == protocol_version::v3) {
            const std::size_t mark = packet_.nsp.find('?');
            if (mark != packet_.nsp.npos) packet_.query = packet_.nsp.substr(mark + 1);
            packet_.nsp = packet_.nsp.substr(0, mark);
        }
        return packet_.nsp.size() <= limits_.max_namespace_length;
    }

    [[nodiscard]] bool ack_id() noexcept {
        if (position_ == text_.size() || !is_digit(text_[position_])) return true;
        if (!is_event(packet_.type) && !is_ack(packet_.type)) return false;
        std::uint64_t id = 0;
        const char* const end = text_.data() + text_.size();
        const auto [rest, failed] = std::from_chars(text_.data() + position_, end, id);
        if (failed != std::errc{} || id > packet_limits::max_ack_id) return false;
        packet_.id = id;
        position_ = static_cast<std::size_t>(rest - text_.data());
        return true;
    }

    [[nodiscard]] errc payload() noexcept {
        placeholder_set placeholders(packet_.attachments);
        json_reader json(part(position_, text_.size()));
        const errc failure = is_event(packet_.type) || is_ack(packet_.type)
                                 ? array(json, placeholders)
                                 : single_value(json, placeholders);
        if (failure != ok) return failure;
        packet_.data = part(position_, position_ + json.position());
        if (!json.finish()) return errc::bad_json;
        return placeholders.complete() ? ok : errc::bad_placeholder;
    }

    [[nodiscard]] errc skip(json_reader& json, placeholder_set& placeholders) const noexcept {
        if (packet_.attachments != 0 || limits_.without_attachments == lookalikes::refused)
            return skip_value(json, placeholders);
        if (json.skip()) return ok;
        return json.error() == json_errc::too_deep ? errc::json_too_deep : errc::bad_json;
    }

    /// The payloads that are no arrays.
    [[nodiscard]] errc single_value(json_reader& json, placeholder_set& placeholders) noexcept {
        const char first = text_[position_];
        const bool object = first == '{' && packet_.type != packet_type::disconnect;
        const bool string = first == '"' && packet_.type == packet_type::connect_error;
        return object || string ? skip(json, placeholders) : errc::bad_payload;
    }

    [[nodiscard]] errc array(json_reader& json, placeholder_set& placeholders) noexcept {
        if (text_[position_] != '[') return errc::bad_payload;
        static_cast<void>(json.begin_array());
        bool name_due = is_event(packet_.type);
        while (json.next_element()) {
            static_cast<void>(json.peek());  // past white space
            const std::size_t begin = position_ + json.position();
            const errc failure = skip(json, placeholders);
            if (failure != ok) return failure;
            const std::string_view element = part(begin, position_ + json.position());
            if (name_due) {
                const errc refused = event_name(element);
                if (refused != ok) return refused;
                name_due = false;
                continue;
            }
            if (packet_.arguments.empty()) packet_.arguments = element;
            const char* const first = packet_.arguments.data();
            packet_.arguments = {first,
                                 static_cast<std::size_t>(element.data() + element.size() - first)};
        }
        if (!json.ok()) return errc::bad_json;
        return name_due ? errc::bad_event_name : ok;
    }

    [[nodiscard]] errc event_name(std::string_view element) noexcept {
        packet_.event = element;
        if (element[0] == '-' || is_digit(element[0])) {
            return element.size() <= limits_.max_event_name ? ok : errc::bad_event_name;
        }
        if (element[0] != '"') return errc::bad_event_name;
        const std::string_view content = between_quotes(element);
        if (unescaped_size(content) > limits_.max_event_name) return errc::bad_event_name;
        const auto names_it = [content](std::string_view reserved) {
            return json_text_is(content, reserved);
        };
        return std::any_of(reserved_events.begin(), reserved_events.end(), names_it)
                   ? errc::reserved_event_name
                   : ok;
    }

    std::string_view text_;
    const packet_limits& limits_;
    protocol_version version_;
    std::size_t position_ = 0;
    packet_view packet_;
};

void append_number(std::string& out, std::uint64_t number) {
    char digits[20];
    const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    out.append(digits, end);
}

void append_head(std::string& out, packet_type type, std::string_view nsp) {
    out += static_cast<char>('0' + static_cast<int>(type));
    if (nsp == "/") return;
    out += nsp;
    out += ',';
}

/// The head of a packet that becomes binary by having attachments.
void append_head(std::string& out, packet_type plain, packet_type binary, std::string_view nsp,
                 std::size_t attachments) {
    if (attachments == 0) return append_head(out, plain, nsp);
    out += static_cast<char>('0' + static_cast<int>(binary));
    append_number(out, attachments);
    out += '-';
    if (nsp == "/") return;
    out += nsp;
    out += ',';
}

}  // namespace

packet_result parse_packet(std::string_view text, const packet_limits& limits,
                           protocol_version version) noexcept {
    return text_parser(text, limits, version).parse();
}

errc refusal_of(std::string_view name) noexcept {
    if (std::find(reserved_events.begin(), reserved_events.end(), name) != reserved_events.end())
        return errc::reserved_event_name;
    return validate_utf8(as_bytes(name)) ? errc{} : errc::invalid_utf8;
}

void append_connect(std::string& out, std::string_view nsp, std::string_view data) {
    append_head(out, packet_type::connect, nsp);
    out += data;
}

void append_connect_error(std::string& out, std::string_view nsp, std::string_view data) {
    append_head(out, packet_type::connect_error, nsp);
    out += data;
}

void append_disconnect(std::string& out, std::string_view nsp) {
    append_head(out, packet_type::disconnect, nsp);
}

void append_event(std::string& out, std::string_view nsp, std::optional<std::uint64_t> id,
                  std::string_view name, std::string_view arguments, std::size_t attachments) {
    append_head(out, packet_type::event, packet_type::binary_event, nsp, attachments);
    if (id) append_number(out, *id);
    out += '[';
    append_json_string(out, name);
    if (!arguments.empty()) out += ',';
    out += arguments;
    out += ']';
}

void append_ack(std::string& out, std::string_view nsp, std::uint64_t id,
                std::string_view arguments, std::size_t attachments) {
    append_head(out, packet_type::ack, packet_type::binary_ack, nsp, attachments);
    append_number(out, id);
    out += '[';
    out += arguments;
    out += ']';
}

}  // namespace weft::socketio
