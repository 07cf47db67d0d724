#pragma once

#include <array>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string_view>

#include <weft/base/time.hpp>

namespace weft {

/// Why a WebSocket is closed. It fits the 123 bytes of a reason.
struct farewell {
    explicit farewell(std::optional<duration> comeback) noexcept {
        std::string_view said = "server shutting down";
        size = said.copy(text.data(), text.size());
        if (!comeback) return;
        const auto add = [this](std::string_view more) {
            size += more.copy(text.data() + size, text.size() - size);
        };
        const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(*comeback);
        add(", retry after ");
        char digits[20];
        const auto end = std::to_chars(digits, digits + sizeof digits, wait.count()).ptr;
        add({digits, static_cast<std::size_t>(end - digits)});
        add(" ms");
    }
    operator std::string_view() const noexcept { return {text.data(), size}; }
    std::array<char, 64> text;
    std::size_t size;
};

}  // namespace weft
