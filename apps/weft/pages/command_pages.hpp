#pragma once

#include <string>
#include <string_view>

namespace CLI {
class App;
}  // namespace CLI

namespace weft {

/// What is made of the command line's own description: nothing is written twice.

/// The manual page weft(1), for `man -l`.
[[nodiscard]] std::string manual_page(const CLI::App& program);

/// The shells that a completion is made for.
enum class shell { bash, zsh, fish };
/// A script that completes commands, flags and files.
[[nodiscard]] std::string completion_script(const CLI::App& program, shell which);

}  // namespace weft
