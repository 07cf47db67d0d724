#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <weft/http/error.hpp>

#include "http/proto/head_parser.hpp"

namespace weft::http {

struct chunked_limits {
    std::uint64_t max_body;
    std::size_t max_extensions = 4 * 1024;  // of the whole body
    std::size_t max_trailers = 8 * 1024;
};

/// Takes a chunked body apart without copying it. Extensions and trailers are checked and thrown
/// away. **See**: RFC 9112 section 7.1.
class chunked_decoder {
public:
    explicit chunked_decoder(chunked_limits limits) noexcept
        : body_left_(limits.max_body),
          extensions_left_(limits.max_extensions),
          trailers_left_(limits.max_trailers) {}

    struct step {
        parse_status status;
        std::size_t consumed;
        std::string_view data;  ///< Body bytes, a part of the input; perhaps empty.
    };

    /// Goes on with `in`, up to the end of the first piece of data: call it until all of `in` is
    /// consumed, or the status is not `incomplete`.
    [[nodiscard]] step feed(std::string_view in) noexcept;

    [[nodiscard]] errc error() const noexcept { return error_; }

private:
    enum class state : std::uint8_t {
        size,
        extension,
        size_lf,
        data,
        data_cr,
        data_lf,
        trailer_start,
        trailer_name,
        trailer_value,
        trailer_lf,
        end_lf,
        done,
        failed,
    };

    void take(char c) noexcept;
    void take_size(char c) noexcept;
    void end_size(state next) noexcept;
    void take_extension(char c) noexcept;
    void take_trailer(char c) noexcept;
    void expect(bool good, state next) noexcept;
    void fail(errc why) noexcept;
    [[nodiscard]] parse_status status() const noexcept;

    std::uint64_t body_left_;
    std::uint64_t chunk_ = 0;  // of the present chunk: its size, then what is still to come
    std::size_t extensions_left_;
    std::size_t trailers_left_;
    state state_ = state::size;
    std::uint8_t digits_ = 0;
    bool last_ = false;
    bool name_empty_ = true;
    errc error_ = errc::none;
};

/// What follows each chunk's data, and what ends the body.
inline constexpr std::string_view chunk_end = "\r\n";
inline constexpr std::string_view last_chunk = "0\r\n\r\n";

/// The line in front of a chunk, with its size.
class chunk_start {
public:
    explicit chunk_start(std::size_t size) noexcept;
    [[nodiscard]] std::string_view text() const noexcept { return {line_.data(), size_}; }

private:
    std::array<char, 18> line_;
    std::size_t size_;
};

}  // namespace weft::http
