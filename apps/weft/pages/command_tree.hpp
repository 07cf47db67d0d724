#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace weft {

/// One command, such as `serve` or `token mint`.
struct command {
    std::string path;  ///< Its words; empty for the program itself.
    const CLI::App* app;
};

/// The program and its commands, each before those below it.
[[nodiscard]] std::vector<command> all_commands(const CLI::App& program);

/// What a flag, or a word without dashes, may be.
enum class value_kind : std::uint8_t { none, file, folder, other };
[[nodiscard]] value_kind kind_of(const CLI::Option& option);

/// Those with dashes, and those without.
[[nodiscard]] std::vector<const CLI::Option*> flags_of(const CLI::App& app);
[[nodiscard]] std::vector<const CLI::Option*> words_of(const CLI::App& app);

}  // namespace weft
