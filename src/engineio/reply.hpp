#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <weft/engineio/options.hpp>
#include <weft/http/response.hpp>

namespace weft::engineio {

enum class content_coding : std::uint8_t { none, gzip, deflate };

/// How one request wants to be answered.
struct reply_form {
    http::header_lines headers;        ///< What every answer carries.
    std::optional<std::string> jsonp;  ///< The index of the callback.
    content_coding coding = content_coding::none;
};

/// Whether a polling reply may be compressed: not when a packet in it must not be.
enum class compressible : bool { no, yes };

/// What the body of a polling reply is.
enum class payload_kind : std::uint8_t { text, bytes };

/// Packets for the client.
[[nodiscard]] http::response make_reply(const reply_form& form, std::string payload,
                                        const options& chosen, compressible may,
                                        payload_kind kind = payload_kind::text);
/// An answer without packets. An empty `type` adds none.
[[nodiscard]] http::response make_plain(const reply_form& form, int status, std::string_view type,
                                        std::string body);

}  // namespace weft::engineio
