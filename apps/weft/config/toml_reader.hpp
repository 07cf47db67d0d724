#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace weft::config {

/// What TOML has and we have no use for, such as a date: what to call it in an error message.
struct unusable {
    std::string_view what;
};
/// A table, or one of several.
struct table_mark {};

/// One thing of the file, with its whole name: `listen[0].port`.
struct entry {
    std::string key;
    std::variant<table_mark, bool, std::int64_t, std::string, std::vector<std::string>, unusable>
        value;
    unsigned line = 0;
};

/// What is in a file, in the order of its lines, or what is wrong with it.
struct toml_file {
    std::vector<entry> entries{};
    std::string problem{};  ///< Empty: nothing.
    unsigned line = 0;      ///< Of the problem.
};

/// Reads any text. Keys of more than 16 parts are refused, and values that are nested deeper than
/// 256 levels: so nothing here recurses deeply.
[[nodiscard]] toml_file read_toml(std::string_view text);

}  // namespace weft::config
