// The PROXY header. A byte that cannot be part of one ends the attempt at once, so that nobody who
// speaks another protocol waits for an answer until a deadline.

#include "net/proto/proxy_header.hpp"

#include <algorithm>
#include <charconv>
#include <span>

namespace weft::net {
namespace {

constexpr std::string_view text_mark = "PROXY ";
constexpr std::string_view binary_mark("\r\n\r\n\0\r\nQUIT\n", 12);
// Version 2: mark, version and command, family and transport, length of the rest.
constexpr std::size_t binary_head = 16;
constexpr std::size_t ipv4_size = 4, ipv6_size = 16, unix_size = 108, port_size = 2;

/// The word up to the next blank, which is taken off, too; at the end without one.
std::string_view take_word(std::string_view& line) noexcept {
    const std::string_view word = line.substr(0, line.find(' '));
    line.remove_prefix(std::min(word.size() + 1, line.size()));
    return word;
}

bool parse_port(std::string_view text, std::uint16_t& port) noexcept {
    const char* const end = text.data() + text.size();
    const auto [stop, why] = std::from_chars(text.data(), end, port);
    return why == std::errc{} && stop == end && (text.size() == 1 || text[0] != '0');
}

/// Whether it has only what addresses are made of.
bool is_address_text(std::string_view text) noexcept {
    return !text.empty() && text.find_first_not_of("0123456789abcdefABCDEF.:") == text.npos;
}

std::string ipv4_text(std::span<const char> bytes) {
    std::string text;
    for (const char byte : bytes) {
        if (!text.empty()) text += '.';
        text += std::to_string(static_cast<unsigned char>(byte));
    }
    return text;
}

std::string ipv6_text(std::span<const char> bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        if (i > 0 && i % 2 == 0) text += ':';
        const auto byte = static_cast<unsigned char>(bytes[i]);
        text += digits[byte >> 4U];
        text += digits[byte & 15U];
    }
    return text;
}

}  // namespace

proxy_header_parser::outcome proxy_header_parser::parse(byte_view in) {
    for (std::size_t i = 0; i < in.size(); ++i) {
        if (const status now = take(in[i]); now != status::incomplete) return {now, i + 1};
    }
    return {status::incomplete, in.size()};
}

proxy_header_parser::status proxy_header_parser::take(std::byte next) {
    if (size_ < seen_.size()) seen_[size_] = static_cast<char>(next);
    ++size_;
    if (kind_ == kind::text) return take_line_byte();
    if (kind_ == kind::binary) return take_binary_byte();
    const std::string_view seen(seen_.data(), size_);
    if (seen == text_mark) kind_ = kind::text;
    if (seen == binary_mark) kind_ = kind::binary;
    return text_mark.starts_with(seen) || binary_mark.starts_with(seen) ? status::incomplete
                                                                        : status::failed;
}

proxy_header_parser::status proxy_header_parser::take_line_byte() {
    if (seen_[size_ - 1] == '\n') return read_line();
    return size_ < longest_line ? status::incomplete : status::failed;
}

proxy_header_parser::status proxy_header_parser::read_line() {
    std::string_view line(seen_.data(), size_);
    if (!line.ends_with("\r\n")) return status::failed;
    line.remove_prefix(text_mark.size());
    line.remove_suffix(2);
    const std::string_view family = take_word(line);
    if (family == "UNKNOWN") return status::complete;  // whatever follows
    if (family != "TCP4" && family != "TCP6") return status::failed;
    ipv6_ = family == "TCP6";
    const std::string_view from = take_word(line), to = take_word(line);
    const std::string_view from_port = take_word(line), to_port = line;
    std::uint16_t ignored = 0;
    if (!is_address_text(from) || !is_address_text(to) || !parse_port(from_port, port_) ||
        !parse_port(to_port, ignored))
        return status::failed;
    address_ = from;
    return status::complete;
}

proxy_header_parser::status proxy_header_parser::take_binary_byte() {
    if (size_ < binary_head) return status::incomplete;
    const std::size_t whole = binary_head + (std::size_t{byte_at(14)} << 8U | byte_at(15));
    if (whole > longest_binary) return status::failed;
    return size_ < whole ? status::incomplete : read_binary();
}

proxy_header_parser::status proxy_header_parser::read_binary() {
    constexpr unsigned version_2 = 2, local = 0, proxy = 1;
    constexpr unsigned inet = 1, inet6 = 2, unix_socket = 3, stream = 1;
    const unsigned command = byte_at(12) & 15U, family = byte_at(13) >> 4U;
    if (byte_at(12) >> 4U != version_2 || command > proxy) return status::failed;
    if (command == local) return status::complete;
    if ((byte_at(13) & 15U) != stream) return status::complete;  // not said for our kind of socket
    const std::size_t room = size_ - binary_head;
    if (family == unix_socket) return room >= 2 * unix_size ? status::complete : status::failed;
    if (family != inet && family != inet6) return status::complete;
    ipv6_ = family == inet6;
    const std::size_t bytes = ipv6_ ? ipv6_size : ipv4_size;
    if (room < 2 * (bytes + port_size)) return status::failed;
    const std::span from(seen_.data() + binary_head, bytes);
    address_ = ipv6_ ? ipv6_text(from) : ipv4_text(from);
    const std::size_t port_place = binary_head + 2 * bytes;
    port_ = static_cast<std::uint16_t>(byte_at(port_place) << 8U | byte_at(port_place + 1));
    return status::complete;
}

}  // namespace weft::net
