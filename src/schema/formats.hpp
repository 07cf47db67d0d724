#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace weft::json_schema {

enum class format : std::uint8_t { date_time, date, time, email, uri, uuid, ipv4, ipv6 };

/// The format of that name, if we know it.
[[nodiscard]] std::optional<format> find_format(std::string_view name) noexcept;

/// Whether the text has the format. **Cost**: linear.
[[nodiscard]] bool has_format(format what, std::string_view text) noexcept;

}  // namespace weft::json_schema
