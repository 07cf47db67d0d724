#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include <weft/auth/error.hpp>

namespace weft::auth {

/// One error of the table in error.cpp.
struct error_row {
    errc code;
    int status;
    std::string_view label;   ///< Of its counter: `error="..."`.
    std::string_view text;    ///< For the log.
    std::string_view client;  ///< For the client.
    condition kind;
};

inline constexpr std::size_t error_count = static_cast<std::size_t>(errc::too_busy);

/// All errors, in the order of their codes.
[[nodiscard]] const std::array<error_row, error_count>& error_rows() noexcept;
[[nodiscard]] const error_row& row_of(errc e) noexcept;

}  // namespace weft::auth
