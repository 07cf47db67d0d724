// Single packets: the type digit, base64 as clients send it, the open packet. Nothing here trusts a
// peer: a packet is a digit from 0 to 6 or it is none.

#include "engineio/proto/packet.hpp"

#include <weft/base/json_writer.hpp>

namespace weft::engineio {
namespace {

constexpr std::string_view url_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

constexpr std::uint8_t skipped = 64;
constexpr std::uint8_t padding = 65;
constexpr std::uint8_t wrong = 66;

constexpr std::array<std::uint8_t, 256> values = [] {
    std::array<std::uint8_t, 256> table{};
    table.fill(wrong);
    for (std::size_t i = 0; i < url_alphabet.size(); ++i) {
        table[static_cast<unsigned char>(url_alphabet[i])] = static_cast<std::uint8_t>(i);
    }
    table['+'] = table['-'];
    table['/'] = table['_'];
    for (const char c : {' ', '\t', '\r', '\n'}) table[static_cast<unsigned char>(c)] = skipped;
    table['='] = padding;
    return table;
}();

}  // namespace

std::optional<packet> parse_packet(std::string_view text) noexcept {
    if (text.empty() || text[0] < '0' || text[0] > '6') return std::nullopt;
    return packet{static_cast<packet_type>(text[0] - '0'), packet_data::text,
                  as_bytes(text).subspan(1)};
}

std::optional<std::size_t> decode_base64(std::string_view text, byte_span out) noexcept {
    std::uint32_t bits = 0;
    unsigned have = 0;  // characters of the open group
    std::size_t written = 0;
    bool padded = false;
    for (const char c : text) {
        const std::uint8_t value = values[static_cast<unsigned char>(c)];
        if (value == skipped) continue;
        if (value == wrong) return std::nullopt;
        if (value == padding) {
            padded = true;
            continue;
        }
        if (padded) return std::nullopt;
        bits = bits << 6U | value;
        if (++have < 4) continue;
        out[written++] = static_cast<std::byte>(bits >> 16U);
        out[written++] = static_cast<std::byte>(bits >> 8U);
        out[written++] = static_cast<std::byte>(bits);
        have = 0;
    }
    if (have == 1) return std::nullopt;
    if (have > 1) out[written++] = static_cast<std::byte>(bits >> (have == 2 ? 4U : 10U));
    if (have > 2) out[written++] = static_cast<std::byte>(bits >> 2U);
    return written;
}

std::string write_open(const open_facts& facts) {
    std::string out(1, digit_of(packet_type::open));
    json_writer json{out};
    json.begin_object();
    json.member("sid", facts.sid);
    json.key("upgrades");
    json.begin_array();
    if (facts.upgrades) json.value("websocket");
    json.end_array();
    json.member("pingInterval", facts.ping_interval);
    json.member("pingTimeout", facts.ping_timeout);
    json.member("maxPayload", facts.max_payload);
    json.end_object();
    return out;
}

session_key make_key(std::span<const std::byte, 15> random) noexcept {
    session_key key;
    for (std::size_t group = 0; group < 5; ++group) {
        const auto byte = [&](std::size_t i) {
            return std::to_integer<std::uint32_t>(random[group * 3 + i]);
        };
        const std::uint32_t bits = byte(0) << 16U | byte(1) << 8U | byte(2);
        for (std::size_t i = 0; i < 4; ++i) {
            key[group * 4 + i] = url_alphabet[bits >> (18 - 6 * i) & 63U];
        }
    }
    return key;
}

}  // namespace weft::engineio
