#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <weft/http/error.hpp>
#include <weft/http/head.hpp>

namespace weft::http {

enum class head_kind : std::uint8_t { request, response };

struct head_limits {
    std::size_t max_start_line = 8 * 1024;
    std::size_t max_header_line = 8 * 1024;
    static constexpr std::size_t most_head = 65'535;  // message_head stores 16-bit offsets
    std::size_t max_head = 16 * 1024;
    std::size_t max_fields = message_head::max_fields;
};

enum class parse_status : std::uint8_t { incomplete, complete, failed };

/// Reads the head of one HTTP/1 message, strictly, from a contiguous text that grows.
///
/// **Cost**: each byte is looked at once, however the head is split over the calls; no allocation.
/// **See**: RFC 9112 sections 2 to 6.
class head_parser {
public:
    explicit head_parser(head_kind kind, head_limits limits = {}) noexcept;

    /// `seen` is all there is of the message so far, from its first byte: what earlier calls saw
    /// (perhaps at another address) and what came since. After `complete`, `size()` says where the
    /// head ends; after `failed`, `error()` says why, and the connection cannot be used any more.
    [[nodiscard]] parse_status parse(std::string_view seen) noexcept;

    /// The head; its views point into the last `seen` until rebased.
    [[nodiscard]] const message_head& head() const noexcept { return head_; }
    [[nodiscard]] message_head& head() noexcept { return head_; }
    /// Bytes of the head, with the empty line that ends it.
    [[nodiscard]] std::size_t size() const noexcept { return position_; }
    [[nodiscard]] errc error() const noexcept { return error_; }

private:
    enum class state : std::uint8_t {
        start,
        start_lf,
        method,
        target,
        version,
        status_code,
        after_code,
        reason,
        line_cr,
        line_lf,
        field_start,  // from here on: header lines
        field_name,
        value_start,
        value,
        value_lf,
        end_lf,
        done,
        failed,
    };

    // Each looks at the bytes from position_ on and returns false when it needs more or is done.
    bool step() noexcept;
    bool step_start(char next) noexcept;
    bool step_method() noexcept;
    bool step_target() noexcept;
    bool step_version() noexcept;
    bool step_status_code() noexcept;
    bool step_reason() noexcept;
    bool step_field_start(char next) noexcept;
    bool step_field_name() noexcept;
    bool step_value_start() noexcept;
    bool step_value() noexcept;

    bool end_field() noexcept;
    bool note_transfer_encoding(std::string_view value) noexcept;
    bool note_content_length(std::string_view value) noexcept;
    bool finish() noexcept;
    [[nodiscard]] bool host_is_good() const noexcept;

    bool expect(char wanted, state next) noexcept;
    bool enter(state next) noexcept;
    bool enter_line(state next) noexcept;
    bool fail(errc why) noexcept;
    bool skip(std::uint8_t allowed) noexcept;
    [[nodiscard]] message_head::part token() const noexcept;

    message_head head_;
    head_limits limits_;
    std::string_view seen_;
    std::size_t position_ = 0;  // the next byte to look at
    std::size_t limit_ = 0;     // where the present line must have ended
    std::size_t begin_ = 0;     // where the present token began
    head_kind kind_;
    state state_ = state::start;
    errc error_ = errc::none;
    std::uint8_t hosts_ = 0;
    bool chunked_ = false;
    bool has_length_ = false;
};

}  // namespace weft::http
