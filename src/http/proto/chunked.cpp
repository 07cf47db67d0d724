// Chunks. The decoder: framing bytes go through a state machine one by one, data is passed on in
// place. A chunk's size is compared with what the body may still have before a byte of it is kept,
// and all that is thrown away (extensions, trailers) has a budget of its own.

#include "http/proto/chunked.hpp"

#include <algorithm>
#include <charconv>

#include "base/hex.hpp"
#include "http/proto/syntax.hpp"

namespace weft::http {

chunked_decoder::step chunked_decoder::feed(std::string_view in) noexcept {
    std::size_t position = 0;
    while (position < in.size() && state_ < state::done) {
        if (state_ != state::data) {
            take(in[position++]);
            continue;
        }
        const auto size =
            static_cast<std::size_t>(std::min<std::uint64_t>(chunk_, in.size() - position));
        chunk_ -= size;
        if (chunk_ == 0) state_ = state::data_cr;
        return {parse_status::incomplete, position + size, in.substr(position, size)};
    }
    return {status(), position, {}};
}

void chunked_decoder::take(char c) noexcept {
    switch (state_) {
        case state::size: return take_size(c);
        case state::extension: return take_extension(c);
        case state::size_lf: return expect(c == '\n', last_ ? state::trailer_start : state::data);
        case state::data_cr: return expect(c == '\r', state::data_lf);
        case state::data_lf: return expect(c == '\n', state::size);
        case state::trailer_lf: return expect(c == '\n', state::trailer_start);
        case state::end_lf: return expect(c == '\n', state::done);
        case state::trailer_start:
            if (c == '\r') return expect(true, state::end_lf);
            name_empty_ = true;
            state_ = state::trailer_name;
            return take_trailer(c);
        case state::trailer_name:
        case state::trailer_value: return take_trailer(c);
        case state::data:
        case state::done:
        case state::failed: return;
    }
}

void chunked_decoder::take_size(char c) noexcept {
    if (const int digit = hex_value(c); digit >= 0) {
        if (digits_ == 16) return fail(errc::bad_chunk);
        ++digits_;
        chunk_ = chunk_ << 4U | static_cast<std::uint64_t>(digit);
        return;
    }
    if (digits_ == 0 || (c != ';' && c != '\r')) return fail(errc::bad_chunk);
    end_size(c == ';' ? state::extension : state::size_lf);
}

void chunked_decoder::end_size(state next) noexcept {
    if (chunk_ > body_left_) return fail(errc::body_too_large);
    body_left_ -= chunk_;
    last_ = chunk_ == 0;
    digits_ = 0;
    state_ = next;
}

void chunked_decoder::take_extension(char c) noexcept {
    if (c == '\r') return expect(true, state::size_lf);
    if (!syntax::is(c, syntax::value_bit) || extensions_left_ == 0) return fail(errc::bad_chunk);
    --extensions_left_;
}

void chunked_decoder::take_trailer(char c) noexcept {
    if (trailers_left_ == 0) return fail(errc::trailers_too_large);
    --trailers_left_;
    if (state_ == state::trailer_value) {
        if (c == '\r') return expect(true, state::trailer_lf);
        return expect(syntax::is(c, syntax::value_bit), state::trailer_value);
    }
    if (c == ':') return expect(!name_empty_, state::trailer_value);
    name_empty_ = false;
    expect(syntax::is(c, syntax::token_bit), state::trailer_name);
}

void chunked_decoder::expect(bool good, state next) noexcept {
    if (!good) return fail(errc::bad_chunk);
    state_ = next;
}

void chunked_decoder::fail(errc why) noexcept {
    error_ = why;
    state_ = state::failed;
}

parse_status chunked_decoder::status() const noexcept {
    if (state_ == state::done) return parse_status::complete;
    return state_ == state::failed ? parse_status::failed : parse_status::incomplete;
}

chunk_start::chunk_start(std::size_t size) noexcept {
    char* const end = std::to_chars(line_.data(), line_.data() + 16, size, 16).ptr;
    end[0] = '\r';
    end[1] = '\n';
    size_ = static_cast<std::size_t>(end + 2 - line_.data());
}

}  // namespace weft::http
