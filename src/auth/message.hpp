#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include <weft/base/admission.hpp>
#include <weft/base/time.hpp>

namespace weft::auth {

/// How long before the token ends the client is told.
inline constexpr duration notice = std::chrono::seconds(30);

/// The token of `{"type":"auth","token":"..."}`; nothing if the text is anything else.
[[nodiscard]] std::optional<std::string> read_token_message(std::string_view text);
/// `{"type":"auth","ok":true,"expires_in":3600}`: the token was accepted.
[[nodiscard]] std::string accepted_message(std::chrono::seconds left);
/// `{"type":"auth","ok":false,"error":"token expired"}`.
[[nodiscard]] std::string refused_message(std::string_view why);
/// `{"type":"auth","expires_in":30}`: a new one is wanted.
[[nodiscard]] std::string ending_message(std::chrono::seconds left);

/// How long the token itself is good: without the leeway.
[[nodiscard]] std::chrono::seconds left_of(const identity& who, std::chrono::seconds leeway,
                                           time_point now) noexcept;

}  // namespace weft::auth
