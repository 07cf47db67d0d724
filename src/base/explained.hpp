#pragma once

#include <new>
#include <string>
#include <string_view>
#include <system_error>

#include <weft/base/error.hpp>

namespace weft {

/// An error with its text, or without it when memory is out: for what has to be told in any case.
[[nodiscard]] inline error explained(std::error_code code, std::string_view what) noexcept {
    try {
        return {code, std::string(what)};
    } catch (const std::bad_alloc&) {
        return {code};
    }
}

}  // namespace weft
