#pragma once

#include <string_view>
#include <vector>

#include "config/load.hpp"

namespace CLI {
class App;
}  // namespace CLI

namespace weft::config {

/// Gives a command these flags of the table; their help shows the initial settings as defaults.
/// Once the line is parsed, those that were used are in `into`, which must outlive the command.
void add_flags(CLI::App& command, sources& into, const std::vector<std::string_view>& which);

/// All flags of the table.
[[nodiscard]] std::vector<std::string_view> all_flags();

}  // namespace weft::config
