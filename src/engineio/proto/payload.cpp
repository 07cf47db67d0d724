// The bodies of polling requests and replies. Every length that a peer wrote is compared with what
// is left, never added to anything; a text is checked for UTF-8 before it is given out.

#include "engineio/proto/payload.hpp"

#include <charconv>

#include <weft/base/utf8.hpp>

namespace weft::engineio {
namespace {

constexpr char separator = '\x1E';
constexpr std::size_t max_digits = 9;  // of a length: far above any body

/// How many UTF-16 units the code point that begins with this byte has; 0 within one.
constexpr unsigned units_of(char c) noexcept {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0U) == 0x80U) return 0;
    return byte >= 0xF0U ? 2 : 1;
}

/// Bytes that the first `units` UTF-16 units of the text have; npos when they do not end there or
/// are not all here. Any bytes do: whether they are UTF-8 is checked on what is cut off.
std::size_t bytes_of_units(std::string_view text, std::size_t units) noexcept {
    std::size_t position = 0;
    for (; position < text.size(); ++position) {
        const unsigned more = units_of(text[position]);
        if (units == 0 && more > 0) return position;
        if (more > units) return std::string_view::npos;
        units -= more;
    }
    return units == 0 ? position : std::string_view::npos;
}

}  // namespace

payload_status payload_reader::next(packet& out) noexcept {
    if (!more_) return payload_status::end;
    if (left_ == 0) return payload_status::too_many;
    --left_;
    switch (form_) {
        case payload_form::separated: return take_separated(out);
        case payload_form::counted: return take_counted(out);
        case payload_form::counted_bytes: return take_counted_bytes(out);
    }
    return payload_status::malformed;
}

payload_status payload_reader::take_text(std::string_view text, packet& out) const noexcept {
    if (!text.empty() && text[0] == 'b') {
        text.remove_prefix(1);
        if (form_ != payload_form::separated) {  // protocol 3 has the type behind the letter
            if (text.empty() || text[0] != digit_of(packet_type::message))
                return payload_status::malformed;
            text.remove_prefix(1);
        }
        out = {packet_type::message, packet_data::base64, as_bytes(text)};
        return payload_status::packet;
    }
    if (!validate_utf8(as_bytes(text))) return payload_status::not_utf8;
    const auto parsed = parse_packet(text);
    if (!parsed) return payload_status::malformed;
    out = *parsed;
    return payload_status::packet;
}

payload_status payload_reader::take_separated(packet& out) noexcept {
    const std::string_view text = as_text(rest_);
    const std::size_t end = text.find(separator);
    more_ = end != std::string_view::npos;
    rest_ = more_ ? rest_.subspan(end + 1) : byte_view{};
    return take_text(text.substr(0, end), out);
}

payload_status payload_reader::take_counted(packet& out) noexcept {
    std::string_view text = as_text(rest_);
    const std::size_t colon = text.substr(0, max_digits + 1).find(':');
    if (colon == std::string_view::npos) return payload_status::malformed;
    std::size_t units = 0;
    const auto number = std::from_chars(text.data(), text.data() + colon, units);
    if (number.ec != std::errc{} || number.ptr != text.data() + colon)
        return payload_status::malformed;
    text.remove_prefix(colon + 1);
    const std::size_t size = bytes_of_units(text, units);
    if (size == std::string_view::npos) return payload_status::malformed;
    rest_ = rest_.subspan(colon + 1 + size);
    more_ = !rest_.empty();
    return take_text(text.substr(0, size), out);
}

payload_status payload_reader::take_counted_bytes(packet& out) noexcept {
    const auto byte = [this](std::size_t i) { return std::to_integer<unsigned>(rest_[i]); };
    if (rest_.empty() || byte(0) > 1) return payload_status::malformed;
    const bool is_text = byte(0) == 0;
    std::size_t size = 0;
    std::size_t position = 1;
    for (;; ++position) {
        if (position == rest_.size() || position > max_digits + 1) return payload_status::malformed;
        if (byte(position) == 0xFF) break;
        if (byte(position) > 9) return payload_status::malformed;
        size = size * 10 + byte(position);
    }
    const byte_view behind = rest_.subspan(position + 1);
    if (size == 0 || size > behind.size()) return payload_status::malformed;
    const byte_view whole = behind.first(size);
    rest_ = behind.subspan(size);
    more_ = !rest_.empty();
    if (is_text) return take_text(as_text(whole), out);
    if (whole[0] != std::byte{static_cast<std::uint8_t>(packet_type::message)})
        return payload_status::malformed;
    out = {packet_type::message, packet_data::binary, whole.subspan(1)};
    return payload_status::packet;
}

namespace {

/// What stands before a packet of protocol 3 that is counted in bytes.
void append_byte_count(std::string& body, char kind, std::size_t size) {
    body += kind;
    for (const char digit : std::to_string(size)) body += static_cast<char>(digit - '0');
    body += '\xFF';
}

}  // namespace

void append_binary_packet(std::string& body, byte_view data) {
    append_byte_count(body, 1, data.size() + 1);
    body += static_cast<char>(packet_type::message);
    body += as_text(data);
}

void append_packet(std::string& body, payload_form form, std::string_view packet) {
    if (form == payload_form::separated) {
        if (!body.empty()) body += separator;
    } else if (form == payload_form::counted_bytes) {
        append_byte_count(body, 0, packet.size());
    } else {
        std::size_t units = 0;
        for (const char c : packet) units += units_of(c);
        body += std::to_string(units);
        body += ':';
    }
    body += packet;
}

void append_base64_packet(std::string& body, payload_form form, std::string_view base64) {
    if (form == payload_form::separated) {
        if (!body.empty()) body += separator;
        body += 'b';
    } else {
        body += std::to_string(base64.size() + 2);
        body += ":b4";
    }
    body += base64;
}

}  // namespace weft::engineio
