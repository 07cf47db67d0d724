#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/load.hpp"

namespace weft::config {

/// The file of `weft init`: all keys, each with what it is for, as comments with their defaults.
[[nodiscard]] std::string commented_file();

/// The settings as a file. Of secrets it only says that they are there.
[[nodiscard]] std::string effective_file(const settings& all);

/// All about a key, or about the keys of a section, for a terminal. **Errors**: there is none of
/// this name; says which one may have been meant.
[[nodiscard]] result<std::string> explain(std::string_view key);

/// docs/operations/configuration.md.
[[nodiscard]] std::string reference_page();

}  // namespace weft::config
