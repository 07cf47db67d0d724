#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <weft/ws/error.hpp>

#include "ws/proto/frame.hpp"

namespace weft::ws {

/// What one side wants of permessage-deflate. **See**: RFC 7692 section 7.1.
struct deflate_wishes {
    bool server_no_context_takeover = false;
    bool client_no_context_takeover = false;
    std::uint8_t server_max_window_bits = 12;  ///< 9 to 15.
    std::uint8_t client_max_window_bits = 12;  ///< 9 to 15; applies when the client can obey.
};

/// What both sides agreed on.
struct deflate_agreement {
    bool server_no_context_takeover = false;
    bool client_no_context_takeover = false;
    std::uint8_t server_max_window_bits = 15;
    /// The client asked for it. A server names no other: clients refuse what they did not ask for.
    bool server_window_named = false;
    /// 8 is possible on a client; zlib cannot send with it, so the client sends uncompressed then.
    std::uint8_t client_max_window_bits = 15;

    /// Whether `self` starts each message without history.
    [[nodiscard]] bool no_takeover(role self) const noexcept {
        return self == role::server ? server_no_context_takeover : client_no_context_takeover;
    }
    [[nodiscard]] int window_bits(role self) const noexcept {
        return self == role::server ? server_max_window_bits : client_max_window_bits;
    }
    friend bool operator==(const deflate_agreement&, const deflate_agreement&) = default;
};

/// What came of the extensions in a handshake.
struct extension_outcome {
    std::optional<errc> error;                 ///< `bad_extensions` or `unexpected_extensions`.
    std::optional<deflate_agreement> deflate;  ///< Unset: the connection is uncompressed.
};

/// A server's answer to the values of all `Sec-WebSocket-Extensions` headers of a request. Offers
/// that are unknown, or that carry unknown, repeated or wrong parameters, are declined and the next
/// one is tried; the connection goes on uncompressed when none is left. **Errors**:
/// `bad_extensions` when a header does not follow the grammar. **Cost**: linear in the input, no
/// allocation.
[[nodiscard]] extension_outcome accept_extensions(std::span<const std::string_view> headers,
                                                  const deflate_wishes& wishes) noexcept;

/// The value of the server's `Sec-WebSocket-Extensions` header.
[[nodiscard]] std::string deflate_response(const deflate_agreement& agreement);

/// The value of the client's `Sec-WebSocket-Extensions` header.
[[nodiscard]] std::string deflate_offer(const deflate_wishes& wishes);

/// A client's check of the response to `deflate_offer`; `offered` is empty when nothing was.
/// **Errors**: `unexpected_extensions` for anything that was not asked for or breaks a rule.
[[nodiscard]] extension_outcome check_extensions(std::span<const std::string_view> headers,
                                                 const deflate_wishes* offered) noexcept;

}  // namespace weft::ws
