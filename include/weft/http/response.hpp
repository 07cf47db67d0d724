#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include <weft/base/admission.hpp>
#include <weft/base/bytes.hpp>
#include <weft/http/cookie.hpp>
#include <weft/http/header_lines.hpp>

namespace weft::http {

/// A body that is read piece by piece while the peer takes it, such as a file.
class body_source {
public:
    body_source() = default;
    body_source(const body_source&) = delete;
    body_source& operator=(const body_source&) = delete;
    virtual ~body_source() = default;

    /// Fills the beginning of `into` and returns how many bytes; 0 when no more can be read. Must
    /// not block for long.
    virtual std::size_t read(byte_span into) noexcept = 0;
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
    /// The status' own reason phrase as body: what the library sends for its errors.
    static response plain_error(int status);
    /// What a refused client gets: the refusal's message and headers under its status, or under
    /// `usual_status` when it names none.
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
    /// Adds a `Set-Cookie` line; nothing when `to_string(c)` says that it cannot be sent.
    response& set_cookie(const cookie& c) & {
        if (const std::string line = to_string(c); !line.empty()) header("Set-Cookie", line);
        return *this;
    }
    response&& set_cookie(const cookie& c) && { return std::move(set_cookie(c)); }
    /// Adds lines that were made before.
    response& headers(const header_lines& lines) & {
        headers_.add(lines);
        return *this;
    }

    response& body(std::string bytes);
    /// **Lifetime**: the bytes must live as long as the process, such as data built into the
    /// program. **Cost**: no copy.
    response& body_static(byte_view bytes);
    /// Exactly `size` bytes are read from the source; when it ends early the connection is cut.
    response& body_from(std::unique_ptr<body_source> source, std::uint64_t size);

    /// Ends the connection after this answer.
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
    [[nodiscard]] std::uint64_t body_size() const noexcept;
    /// Whether the connection ends after it.
    [[nodiscard]] bool closes() const noexcept { return close_; }

    /// Exactly so many bytes that a source gives.
    struct sourced {
        std::unique_ptr<body_source> source;
        std::uint64_t size = 0;
    };
    using body_type = std::variant<std::string, byte_view, sourced>;
    /// For who sends it.
    [[nodiscard]] body_type& content() noexcept { return body_; }

private:
    std::uint16_t status_;
    bool close_ = false;
    header_lines headers_;
    body_type body_;
};

}  // namespace weft::http
