#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <weft/http/head.hpp>

namespace weft::http {

/// A request target taken apart; all views point into it.
struct target_parts {
    std::string_view authority;  ///< Only in the absolute form, `http://authority/path`.
    std::string_view path;       ///< Still encoded; begins with '/', or is "*".
    std::string_view query;      ///< What follows the '?'.
};

/// Takes the origin form, the absolute form (http and https), or "*" for OPTIONS (RFC 9112 section
/// 3.2). Nothing when it is none of them.
[[nodiscard]] std::optional<target_parts> split_target(std::string_view target, method m) noexcept;

/// The two parts of "host:port", as in a `Host` header.
struct authority_parts {
    std::string_view host;  ///< With the brackets, for an IPv6 address.
    std::string_view port;  ///< Digits, at most 65535; or empty.
};

/// Nothing when the text is not a host with an optional port: an empty host, user information, a
/// port out of range, or bytes that no host name has.
[[nodiscard]] std::optional<authority_parts> split_authority(std::string_view text) noexcept;

/// Decodes a path once. The result is `raw` itself when nothing was encoded, else it lies in `out`,
/// which must have room for `raw.size()` bytes.
///
/// Nothing when the path could mean two things to two readers: a broken escape, a control
/// character, a backslash, an encoded slash or dot, an empty segment other than the last, a segment
/// "." or "..".
[[nodiscard]] std::optional<std::string_view> decode_path(std::string_view raw,
                                                          std::span<char> out) noexcept;

/// Decodes the escapes of a text (RFC 3986 section 2.1) into `out`, which must have room for
/// `raw.size()` bytes. Nothing when one of them is broken.
[[nodiscard]] std::optional<std::string_view> decode_escapes(std::string_view raw,
                                                             std::span<char> out) noexcept;

/// Appends a text with every byte escaped for which `is_plain` says no.
void append_escaped(std::string& out, std::string_view text, bool (*is_plain)(char) noexcept);

/// As `decode_escapes`, for a name or value of a query or of a posted form, where '+' is a blank.
[[nodiscard]] std::optional<std::string_view> decode_query(std::string_view raw,
                                                           std::span<char> out) noexcept;

/// The last value under this name in a query, decoded. Nothing when absent or broken.
[[nodiscard]] std::optional<std::string> find_query_value(std::string_view query,
                                                          std::string_view name);

}  // namespace weft::http
