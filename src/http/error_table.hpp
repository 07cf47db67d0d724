#pragma once

#include <cstddef>
#include <string_view>
#include <system_error>

#include <weft/base/error.hpp>
#include <weft/http/error.hpp>

namespace weft::http {

/// One error of the table in error.cpp.
struct error_row {
    errc code;
    int status;              ///< 0: no answer is sent.
    std::string_view label;  ///< Of its counter: `error="..."`.
    std::string_view text;
    condition kind;
};

inline constexpr std::size_t error_count = static_cast<std::size_t>(errc::wrong_thread) + 1;

[[nodiscard]] const error_row& row_of(errc e) noexcept;

}  // namespace weft::http
