#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <weft/base/bytes.hpp>

namespace weft::socketio {

enum class msgpack_kind : std::uint8_t {
    nil,
    boolean,
    positive,  ///< See `number`.
    negative,  ///< See `number`: two's complement.
    real,
    text,
    binary,
    array,      ///< `number` values follow.
    map,        ///< `number` pairs of values follow.
    extension,  ///< See `type` and `bytes`.
};

/// A scalar, or the head of an array or a map.
struct msgpack_token {
    msgpack_kind kind = msgpack_kind::nil;
    std::int8_t type = 0;      ///< Of an extension.
    std::uint64_t number = 0;  ///< An integer, a boolean, or how many values follow.
    double real = 0;
    byte_view bytes;  ///< The content of texts (UTF-8 is not checked), binaries and extensions.
};

/// What notepack.io writes for `undefined`.
[[nodiscard]] inline bool is_undefined(const msgpack_token& token) noexcept {
    return token.kind == msgpack_kind::extension && token.type == 0 && token.bytes.size() == 1;
}

/// Reads msgpack token by token. What a head announces is not believed: only content that is there
/// is told, and nothing is allocated.
/// **Lifetime**: the input outlives the reader and the tokens.
class msgpack_reader {
public:
    explicit msgpack_reader(byte_view input) noexcept : rest_(input) {}

    /// **Errors**: false when the input ends or has a byte that begins no token.
    [[nodiscard]] bool next(msgpack_token& out) noexcept;
    [[nodiscard]] bool at_end() const noexcept { return rest_.empty(); }

private:
    bool number(unsigned size, std::uint64_t& out) noexcept;
    bool content(std::uint64_t size, msgpack_token& out) noexcept;
    bool extension(std::uint64_t size, msgpack_token& out) noexcept;
    bool long_form(unsigned head, msgpack_token& out) noexcept;
    bool sized(msgpack_kind kind, unsigned size_of_size, msgpack_token& out) noexcept;
    bool integer(bool is_signed, unsigned size, msgpack_token& out) noexcept;
    bool real(unsigned size, msgpack_token& out) noexcept;

    byte_view rest_;
};

// The writers append one token in its shortest form, as npm's notepack.io does; numbers with a
// fraction are always 64 bits wide.

void append_msgpack_nil(std::string& out);
void append_msgpack_boolean(std::string& out, bool truth);
void append_msgpack_positive(std::string& out, std::uint64_t number);
/// Positive numbers are written as `append_msgpack_positive` does.
void append_msgpack_integer(std::string& out, std::int64_t number);
void append_msgpack_real(std::string& out, double number);
/// **Units**: at most 2^32 - 1 bytes, as for all that follow.
void append_msgpack_text(std::string& out, std::string_view text);
void append_msgpack_binary(std::string& out, byte_view bytes);
/// The head of an array of `size` values.
void append_msgpack_array(std::string& out, std::size_t size);
/// The head of a map of `size` pairs.
void append_msgpack_map(std::string& out, std::size_t size);

}  // namespace weft::socketio
