#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <weft/base/admission.hpp>
#include <weft/base/bytes.hpp>
#include <weft/base/owned_ptr.hpp>
#include <weft/http/cookie.hpp>
#include <weft/http/header_lines.hpp>

namespace weft::http {

/// A body that is read piece by piece as the peer takes it, such as a file.
class body_source {
public:
    body_source() = default;
    body_source(const body_source&) = delete;
    body_source& operator=(const body_source&) = delete;
    virtual ~body_source() = default;

    /// Fills the beginning of `buffer` and returns how many bytes it wrote; 0 at the end. Must not
    /// block for long.
    virtual std::size_t read(byte_span buffer) noexcept = 0;
};

/// An answer: status, headers, body. The library adds `Date`, `Connection` and the framing
/// (`Content-Length`, `Transfer-Encoding`) itself and ignores them when set here.
class response {
public:
    explicit response(int status = 200) : status_(static_cast<std::uint16_t>(status)) {}

    /// `text/plain; charset=utf-8`.
    static response text(int status, std::string body);
    static response html(std::string body);
    static response json(int status, std::string body);
    /// The reason phrase of the status as body. The library sends its own errors so.
    static response plain_error(int status);
    /// The answer to a refused client: message and headers of the refusal, with its status, or with
    /// `usual_status` if it has none.
    static response refused(const refusal& why, int usual_status);
    /// **Errors**: none; control characters in `location` become blanks, as in every header value.
    static response redirect(int status, std::string_view location);

    /// Adds a header line; see `header_lines::add`.
    response& header(std::string_view name, std::string_view value) & {
        headers_.add(name, value);
        return *this;
    }
    response&& header(std::string_view name, std::string_view value) && {
        return std::move(header(name, value));
    }
    /// Adds a `Set-Cookie` line, or nothing if the cookie cannot be sent; see `to_string(cookie)`.
    response& set_cookie(const cookie& c) & {
        if (const std::string line = to_string(c); !line.empty()) header("Set-Cookie", line);
        return *this;
    }
    response&& set_cookie(const cookie& c) && { return std::move(set_cookie(c)); }
    /// Adds prepared lines.
    response& headers(const header_lines& lines) & {
        headers_.add(lines);
        return *this;
    }

    response& body(std::string bytes);
    /// For data built into the program. **Lifetime**: the bytes must live as long as the process.
    /// **Cost**: no copy.
    response& body_static(byte_view bytes);
    /// Reads exactly `size` bytes from the source. If the source ends early, the connection is cut.
    response& body_from(std::unique_ptr<body_source> source, std::uint64_t size);

    /// Closes the connection after this answer.
    response& close() & {
        close_ = true;
        return *this;
    }
    response&& close() && {
        close_ = true;
        return std::move(*this);
    }

    [[nodiscard]] int status() const noexcept { return status_; }
    [[nodiscard]] const header_lines& headers() const noexcept { return headers_; }
    [[nodiscard]] std::uint64_t body_size() const noexcept { return body_.size; }
    /// Whether the connection closes after it.
    [[nodiscard]] bool closes() const noexcept { return close_; }

    /// For the library: at most one of the first three is there. Not a std::variant, which is slow
    /// to compile.
    struct content_type {
        std::string text;
        byte_view bytes;
        weft::detail::owned_ptr<body_source> source;
        std::uint64_t size = 0;
    };
    /// For the library, which sends it.
    [[nodiscard]] content_type& content() noexcept { return body_; }

private:
    std::uint16_t status_;
    bool close_ = false;
    header_lines headers_;
    content_type body_;
};

}  // namespace weft::http
