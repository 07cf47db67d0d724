#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <weft/base/function_ref.hpp>

namespace weft::http {

/// The methods a route can have. The server answers any other method with 501.
enum class method : std::uint8_t { get, head, post, put, patch, delete_, options };

/// "GET" and so on, as it stands on the request line.
[[nodiscard]] std::string_view to_string(method m) noexcept;

/// One header line: the name as sent, the value without the blanks around it.
struct header_field {
    std::string_view name;
    std::string_view value;
};

/// How the body behind a head is delimited.
enum class body_framing : std::uint8_t {
    none,         ///< There is no body.
    length,       ///< `content_length()` bytes.
    chunked,      ///< Chunks (RFC 9112 section 7.1).
    until_close,  ///< Responses only: all bytes until the connection ends.
};

/// Whether two header names or list tokens are the same: ASCII letters compare without their case.
[[nodiscard]] bool same_token(std::string_view a, std::string_view b) noexcept;

/// Start line and header lines of a parsed request or response.
///
/// It stores offsets, not bytes, of at most 64 fields in a fixed array: there is no table that a
/// peer could flood. **Lifetime**: every view it returns points into the parsed bytes (see
/// `rebase`).
/// **Cost**: 540 bytes; a lookup compares one name after the other.
class message_head {
public:
    static constexpr std::size_t max_fields = 64;

    /// The request's method; meaningless in a response.
    [[nodiscard]] http::method method() const noexcept { return method_; }
    /// The request target exactly as sent; empty in a response.
    [[nodiscard]] std::string_view target() const noexcept { return text(start_); }
    /// The three-digit status of a response; 0 in a request.
    [[nodiscard]] int status() const noexcept { return status_; }
    /// The reason phrase of a response; may be empty.
    [[nodiscard]] std::string_view reason() const noexcept {
        return status_ != 0 ? text(start_) : std::string_view{};
    }
    /// 0 for HTTP/1.0, 1 for HTTP/1.1.
    [[nodiscard]] int minor_version() const noexcept { return minor_version_; }

    [[nodiscard]] std::size_t field_count() const noexcept { return field_count_; }
    /// The field at `index`, which must be less than `field_count()`.
    [[nodiscard]] header_field field(std::size_t index) const noexcept {
        return {text(fields_[index].name), text(fields_[index].value)};
    }

    /// The first value under this name (any case), or an empty text.
    [[nodiscard]] std::string_view header(std::string_view name) const noexcept;
    /// How many lines have this name.
    [[nodiscard]] std::size_t header_count(std::string_view name) const noexcept;
    /// Calls `visit` with the whole value of each line that has this name, in order.
    void each_value(std::string_view name, function_ref<void(std::string_view)> visit) const;
    /// Calls `visit` with each element of a comma-separated list, over all lines of this name.
    /// Removes blanks and skips empty elements. For lists without quoted texts: `Connection`,
    /// `Upgrade`, `Sec-WebSocket-Protocol`, `Accept-Encoding`. **Cost**: linear.
    void each_item(std::string_view name, function_ref<void(std::string_view)> visit) const;
    /// Whether such a list has this element. Ignores case.
    [[nodiscard]] bool has_item(std::string_view name, std::string_view item) const;

    [[nodiscard]] body_framing framing() const noexcept { return framing_; }
    /// The body's size when `framing()` is `length`.
    [[nodiscard]] std::uint64_t content_length() const noexcept { return content_length_; }
    /// Whether the sender wants to keep the connection after this message.
    [[nodiscard]] bool keep_alive() const;

    /// Tells where the parsed bytes are after they were copied or moved.
    void rebase(const char* bytes) noexcept { bytes_ = bytes; }

private:
    friend class head_parser;
    /// A part of the parsed bytes. 16 bits are enough for the largest head allowed.
    struct part {
        std::uint16_t begin = 0;
        std::uint16_t size = 0;
    };
    struct stored_field {
        part name;
        part value;
    };
    [[nodiscard]] std::string_view text(part p) const noexcept {
        return {bytes_ + p.begin, std::size_t{p.size}};
    }

    const char* bytes_ = "";
    std::uint64_t content_length_ = 0;
    part start_;  // target or reason
    std::uint16_t status_ = 0;
    http::method method_ = http::method::get;
    body_framing framing_ = body_framing::none;
    std::uint8_t minor_version_ = 1;
    std::uint8_t field_count_ = 0;
    std::array<stored_field, max_fields> fields_;  // the first field_count_ are set
};

/// What a server answered to a client. **Lifetime**: the call it is handed to.
struct client_response {
    const message_head& head;
    std::string_view body;
};

}  // namespace weft::http
