#pragma once

#include <string>

namespace weft {

/// What `weft --version` prints: what a bug report needs.
[[nodiscard]] std::string version_text();

}  // namespace weft
