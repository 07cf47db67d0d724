// Msgpack tokens. Reading takes from the front of `rest_` and compares every announced size with
// what is left, so no size is ever added to anything. Writing chooses the shortest head.

#include "socketio/proto/msgpack.hpp"

#include <bit>

namespace weft::socketio {
namespace {

void append_head(std::string& out, unsigned head) {
    out += static_cast<char>(head);
}

void append_big_endian(std::string& out, std::uint64_t number, unsigned size) {
    for (unsigned shift = size * 8; shift > 0; shift -= 8) {
        out += static_cast<char>(number >> (shift - 8));
    }
}

void append_number(std::string& out, unsigned head, std::uint64_t number, unsigned size) {
    append_head(out, head);
    append_big_endian(out, number, size);
}

/// Heads for sizes of 16 and of 32 bits.
void append_container(std::string& out, unsigned fix, unsigned wide, std::size_t size) {
    if (size < 0x10) return append_head(out, fix | static_cast<unsigned>(size));
    if (size < 0x10000) return append_number(out, wide, size, 2);
    append_number(out, wide + 1, size, 4);
}

/// Heads for sizes of 8, 16 and 32 bits.
void append_sized(std::string& out, unsigned head, std::string_view content) {
    if (content.size() < 0x100) {
        append_number(out, head, content.size(), 1);
    } else if (content.size() < 0x10000) {
        append_number(out, head + 1, content.size(), 2);
    } else {
        append_number(out, head + 2, content.size(), 4);
    }
    out += content;
}

}  // namespace

bool msgpack_reader::number(unsigned size, std::uint64_t& out) noexcept {
    if (rest_.size() < size) return false;
    out = 0;
    for (const std::byte byte : rest_.first(size)) {
        out = out << 8 | std::to_integer<std::uint64_t>(byte);
    }
    rest_ = rest_.subspan(size);
    return true;
}

bool msgpack_reader::content(std::uint64_t size, msgpack_token& out) noexcept {
    if (size > rest_.size()) return false;
    out.bytes = rest_.first(static_cast<std::size_t>(size));
    rest_ = rest_.subspan(static_cast<std::size_t>(size));
    return true;
}

bool msgpack_reader::extension(std::uint64_t size, msgpack_token& out) noexcept {
    std::uint64_t type = 0;
    if (!number(1, type)) return false;
    out.kind = msgpack_kind::extension;
    out.type = static_cast<std::int8_t>(type);
    return content(size, out);
}

bool msgpack_reader::sized(msgpack_kind kind, unsigned size_of_size, msgpack_token& out) noexcept {
    out.kind = kind;
    if (!number(size_of_size, out.number)) return false;
    if (kind == msgpack_kind::array || kind == msgpack_kind::map) return true;
    return kind == msgpack_kind::extension ? extension(out.number, out) : content(out.number, out);
}

bool msgpack_reader::integer(bool is_signed, unsigned size, msgpack_token& out) noexcept {
    if (!number(size, out.number)) return false;
    const unsigned unused = 64 - size * 8;
    const auto extended = static_cast<std::int64_t>(out.number << unused) >> unused;
    out.kind = msgpack_kind::positive;
    if (is_signed && extended < 0) {
        out.kind = msgpack_kind::negative;
        out.number = static_cast<std::uint64_t>(extended);
    }
    return true;
}

bool msgpack_reader::real(unsigned size, msgpack_token& out) noexcept {
    std::uint64_t bits = 0;
    if (!number(size, bits)) return false;
    out.kind = msgpack_kind::real;
    out.real = size == 4 ? double{std::bit_cast<float>(static_cast<std::uint32_t>(bits))}
                         : std::bit_cast<double>(bits);
    return true;
}

/// The heads 0xc0 to 0xdf.
bool msgpack_reader::long_form(unsigned head, msgpack_token& out) noexcept {
    switch (head) {
        case 0xc0: out.kind = msgpack_kind::nil; return true;
        case 0xc2:
        case 0xc3:
            out.kind = msgpack_kind::boolean;
            out.number = head & 1;
            return true;
        case 0xc4:
        case 0xc5:
        case 0xc6: return sized(msgpack_kind::binary, 1U << (head - 0xc4), out);
        case 0xc7:
        case 0xc8:
        case 0xc9: return sized(msgpack_kind::extension, 1U << (head - 0xc7), out);
        case 0xca: return real(4, out);
        case 0xcb: return real(8, out);
        case 0xcc:
        case 0xcd:
        case 0xce:
        case 0xcf: return integer(false, 1U << (head - 0xcc), out);
        case 0xd0:
        case 0xd1:
        case 0xd2:
        case 0xd3: return integer(true, 1U << (head - 0xd0), out);
        case 0xd4:
        case 0xd5:
        case 0xd6:
        case 0xd7:
        case 0xd8: return extension(std::uint64_t{1} << (head - 0xd4), out);
        case 0xd9:
        case 0xda:
        case 0xdb: return sized(msgpack_kind::text, 1U << (head - 0xd9), out);
        case 0xdc:
        case 0xdd: return sized(msgpack_kind::array, 2U << (head - 0xdc), out);
        case 0xde:
        case 0xdf: return sized(msgpack_kind::map, 2U << (head - 0xde), out);
        default: return false;
    }
}

bool msgpack_reader::next(msgpack_token& out) noexcept {
    if (rest_.empty()) return false;
    const auto head = std::to_integer<unsigned>(rest_[0]);
    rest_ = rest_.subspan(1);
    out = {};
    if (head >= 0xe0) {
        out.kind = msgpack_kind::negative;
        out.number = static_cast<std::uint64_t>(std::int64_t{head} - 0x100);
        return true;
    }
    if (head >= 0xc0) return long_form(head, out);
    if (head >= 0xa0) {
        out.kind = msgpack_kind::text;
        return content(head & 0x1f, out);
    }
    out.number = head < 0x80 ? head : head & 0x0f;
    out.kind = head < 0x80   ? msgpack_kind::positive
               : head < 0x90 ? msgpack_kind::map
                             : msgpack_kind::array;
    return true;
}

void append_msgpack_nil(std::string& out) {
    append_head(out, 0xc0);
}

void append_msgpack_boolean(std::string& out, bool truth) {
    append_head(out, truth ? 0xc3 : 0xc2);
}

void append_msgpack_positive(std::string& out, std::uint64_t number) {
    if (number < 0x80) return append_head(out, static_cast<unsigned>(number));
    if (number <= 0xff) return append_number(out, 0xcc, number, 1);
    if (number <= 0xffff) return append_number(out, 0xcd, number, 2);
    if (number <= 0xffffffff) return append_number(out, 0xce, number, 4);
    append_number(out, 0xcf, number, 8);
}

void append_msgpack_integer(std::string& out, std::int64_t number) {
    const auto bits = static_cast<std::uint64_t>(number);
    if (number >= 0) return append_msgpack_positive(out, bits);
    if (number >= -0x20) return append_head(out, static_cast<unsigned>(bits & 0xff));
    if (number >= INT8_MIN) return append_number(out, 0xd0, bits, 1);
    if (number >= INT16_MIN) return append_number(out, 0xd1, bits, 2);
    if (number >= INT32_MIN) return append_number(out, 0xd2, bits, 4);
    append_number(out, 0xd3, bits, 8);
}

void append_msgpack_real(std::string& out, double number) {
    append_number(out, 0xcb, std::bit_cast<std::uint64_t>(number), 8);
}

void append_msgpack_text(std::string& out, std::string_view text) {
    if (text.size() >= 0x20) return append_sized(out, 0xd9, text);
    append_head(out, 0xa0 | static_cast<unsigned>(text.size()));
    out += text;
}

void append_msgpack_binary(std::string& out, byte_view bytes) {
    append_sized(out, 0xc4, as_text(bytes));
}

void append_msgpack_array(std::string& out, std::size_t size) {
    append_container(out, 0x90, 0xdc, size);
}

void append_msgpack_map(std::string& out, std::size_t size) {
    append_container(out, 0x80, 0xde, size);
}

}  // namespace weft::socketio
