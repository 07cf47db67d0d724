#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <weft/base/json_reader.hpp>

namespace weft::json_schema {

/// Where a value is in a document.
struct location {
    std::string pointer{};  // cut and escaped: its keys are a peer's
    json_kind kind = json_kind::none;
};

/// The value that begins at an offset, or whose key does. **Cost**: reads the text up to there.
[[nodiscard]] location locate(std::string_view text, std::size_t offset);

}  // namespace weft::json_schema
