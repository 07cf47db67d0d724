// Request targets. Paths are decoded exactly once and every spelling that a second decoder, a file
// system or a proxy might read differently is refused instead of repaired: what a handler sees has
// no segment "." or "..", no empty segment but the last, no control character, no backslash.

#include "http/proto/target.hpp"

#include <algorithm>

#include "base/hex.hpp"
#include "http/proto/syntax.hpp"

namespace weft::http {
namespace {

constexpr std::size_t no_position = std::string_view::npos;

// The byte that "%XX" at the start of `text` stands for, or -1.
int unescape(std::string_view text) noexcept {
    if (text.size() < 3) return -1;
    const int high = hex_value(text[1]);
    const int low = hex_value(text[2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

// `plus` is what a '+' stands for.
std::optional<std::string_view> decode(std::string_view raw, char plus,
                                       std::span<char> out) noexcept {
    if (out.size() < raw.size()) return {};
    std::size_t size = 0;
    for (std::size_t i = 0; i < raw.size(); ++i) {
        int byte = raw[i] == '+' ? plus : static_cast<unsigned char>(raw[i]);
        if (byte == '%') {
            byte = unescape(raw.substr(i));
            if (byte < 0) return {};
            i += 2;
        }
        out[size++] = static_cast<char>(byte);
    }
    return std::string_view{out.data(), size};
}

// The path of an absolute target may be missing; it is then the root.
std::optional<target_parts> split_absolute(std::string_view target) noexcept {
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (!same_token(target.substr(0, scheme.size()), scheme)) continue;
        const std::string_view rest = target.substr(scheme.size());
        const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
        target_parts parts{rest.substr(0, end), "/", {}};
        if (!split_authority(parts.authority)) return {};
        const std::size_t mark = rest.find('?', end);
        if (end < rest.size() && rest[end] == '/') parts.path = rest.substr(end, mark - end);
        if (mark != no_position) parts.query = rest.substr(mark + 1);
        return parts;
    }
    return {};
}

bool is_ipv6_literal(std::string_view text) noexcept {
    if (text.size() < 4 || text.front() != '[' || text.back() != ']') return false;
    const std::string_view inner = text.substr(1, text.size() - 2);
    return inner.find(':') != no_position && std::all_of(inner.begin(), inner.end(), [](char c) {
               return syntax::is(c, syntax::hex_bit) || c == ':' || c == '.';
           });
}

bool is_port(std::string_view text) noexcept {
    unsigned value = 0;
    for (const char c : text) {
        if (!syntax::is_digit(c)) return false;
        value = value * 10 + static_cast<unsigned>(c - '0');
        if (value > 65'535) return false;
    }
    return true;
}

bool is_unsafe_in_path(int byte) noexcept {
    return byte < 0x20 || byte == 0x7F || byte == '\\';
}

bool is_dot_segment(std::string_view segment) noexcept {
    return segment == "." || segment == "..";
}

bool has_safe_segments(std::string_view path) noexcept {
    std::string_view rest = path.substr(1);
    for (std::size_t slash; (slash = rest.find('/')) != no_position;
         rest.remove_prefix(slash + 1)) {
        if (slash == 0 || is_dot_segment(rest.substr(0, slash))) return false;
    }
    return !is_dot_segment(rest);
}

}  // namespace

std::optional<target_parts> split_target(std::string_view target, method m) noexcept {
    if (target == "*") {
        if (m != method::options) return {};
        return target_parts{{}, target, {}};
    }
    if (target.empty()) return {};
    if (target.front() != '/') return split_absolute(target);
    const std::size_t mark = target.find('?');
    if (mark == no_position) return target_parts{{}, target, {}};
    return target_parts{{}, target.substr(0, mark), target.substr(mark + 1)};
}

std::optional<authority_parts> split_authority(std::string_view text) noexcept {
    // An IPv6 address has colons of its own, inside its brackets.
    const std::size_t from = text.empty() || text.front() != '[' ? 0 : text.find(']');
    if (from == no_position) return {};
    const std::size_t colon = text.find(':', from);
    const std::string_view host = text.substr(0, colon);
    const std::string_view port = colon == no_position ? "" : text.substr(colon + 1);
    const bool host_good = from > 0 ? is_ipv6_literal(host) : syntax::all(host, syntax::host_bit);
    if (host.empty() || !host_good || !is_port(port)) return {};
    return authority_parts{host, port};
}

std::optional<std::string_view> decode_path(std::string_view raw, std::span<char> out) noexcept {
    if (raw.empty() || raw.front() != '/' || out.size() < raw.size()) return {};
    std::size_t size = 0;
    bool decoded = false;
    for (std::size_t i = 0; i < raw.size(); ++i) {
        int byte = static_cast<unsigned char>(raw[i]);
        if (byte == '%') {
            byte = unescape(raw.substr(i));
            if (byte < 0 || byte == '/' || byte == '.') return {};
            i += 2;
            decoded = true;
        }
        if (is_unsafe_in_path(byte)) return {};
        out[size++] = static_cast<char>(byte);
    }
    const std::string_view path = decoded ? std::string_view{out.data(), size} : raw;
    if (!has_safe_segments(path)) return {};
    return path;
}

std::optional<std::string_view> decode_escapes(std::string_view raw, std::span<char> out) noexcept {
    return decode(raw, '+', out);
}

std::optional<std::string_view> decode_query(std::string_view raw, std::span<char> out) noexcept {
    return decode(raw, ' ', out);
}

std::optional<std::string> find_query_value(std::string_view query, std::string_view name) {
    std::string memory(query.size(), '\0');
    std::optional<std::string> found;
    while (!query.empty()) {
        const std::string_view pair = query.substr(0, query.find('&'));
        query.remove_prefix(std::min(pair.size() + 1, query.size()));
        const std::size_t equals = std::min(pair.find('='), pair.size());
        if (decode_query(pair.substr(0, equals), memory) != name) continue;
        found = decode_query(pair.substr(std::min(equals + 1, pair.size())), memory);
    }
    return found;
}

void append_escaped(std::string& out, std::string_view text, bool (*is_plain)(char) noexcept) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    for (const char c : text) {
        if (is_plain(c)) {
            out += c;
            continue;
        }
        const auto byte = static_cast<unsigned char>(c);
        out += '%';
        out += digits[byte >> 4U];
        out += digits[byte & 15U];
    }
}

}  // namespace weft::http
