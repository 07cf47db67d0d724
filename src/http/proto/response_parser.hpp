#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/proto/chunked.hpp"
#include "http/proto/head_parser.hpp"

namespace weft::http {

/// Reads the head of a response from pieces. Interim responses in front of it are skipped; all of
/// them share one limit (RFC 9110 section 15.2).
class response_head_reader {
public:
    struct step {
        parse_status status;
        std::size_t consumed;
    };

    /// Goes on with `in`. After `complete` the rest of `in` is the body, or another protocol.
    [[nodiscard]] step feed(std::string_view in);

    /// After `complete`. **Lifetime**: the reader's.
    [[nodiscard]] const message_head& head() const noexcept { return parser_.head(); }
    [[nodiscard]] errc error() const noexcept { return error_; }

private:
    static constexpr std::size_t max_heads = head_limits{}.max_head;

    head_parser parser_{head_kind::response};
    std::string text_;
    std::size_t spent_ = 0;  // on interim responses
    errc error_ = errc::none;
};

/// Reads one response to a request that was not HEAD, from pieces, and keeps all of it.
/// **Errors**: `body_too_large` before a byte above `max_body` is kept.
class response_parser {
public:
    explicit response_parser(std::uint64_t max_body) noexcept : max_body_(max_body) {}
    /// Goes on behind a head that has been read.
    response_parser(response_head_reader head, std::uint64_t max_body);

    using step = response_head_reader::step;
    /// Goes on with `in`. Bytes behind a complete response belong to nobody: a server that sends
    /// them breaks the protocol, for requests are not pipelined.
    [[nodiscard]] step feed(std::string_view in);
    /// The connection has ended: `complete` when that is how the body ends, else `failed`.
    [[nodiscard]] parse_status end() noexcept;

    /// Whether anything of the response has come.
    [[nodiscard]] bool begun() const noexcept { return begun_; }
    [[nodiscard]] const message_head& head() const noexcept { return head_.head(); }
    [[nodiscard]] const std::string& body() const noexcept { return body_; }
    /// `none` when the connection ended too soon.
    [[nodiscard]] errc error() const noexcept { return error_; }
    /// Whether another request may follow on the connection.
    [[nodiscard]] bool keep_alive() const {
        return head().keep_alive() && head().framing() != body_framing::until_close;
    }

private:
    step feed_head(std::string_view in);
    step feed_body(std::string_view in);
    step feed_chunks(std::string_view in);
    step fail(errc why, std::size_t consumed) noexcept;
    [[nodiscard]] parse_status begin_body();

    response_head_reader head_;
    std::optional<chunked_decoder> chunks_;
    std::string body_;
    std::uint64_t max_body_;
    std::uint64_t left_ = 0;  // of the body: what may, or with a length what must, still come
    parse_status head_status_ = parse_status::incomplete;
    parse_status status_ = parse_status::incomplete;
    bool begun_ = false;
    errc error_ = errc::none;
};

}  // namespace weft::http
