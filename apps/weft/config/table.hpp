#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "config/settings.hpp"
#include "config/shape.hpp"

namespace weft::config {

/// When a new value of a key counts.
enum class change : std::uint8_t {
    on_reload,   ///< Without dropping a connection.
    on_restart,  ///< When the process is started again.
};

/// Where a key's value is in the settings. The number chooses the element of a list.
struct member {
    value (*get)(const settings& from, std::size_t index);
    void (*set)(settings& into, std::size_t index, value what);
};

/// One key: all that the program, its help and its pages know about it.
struct row {
    std::string_view name;  ///< `server.threads`; in each of several tables: `listen[].port`.
    shape takes;
    member where;
    change counts;
    std::string_view flag;     ///< Of `weft serve`; may be empty. Of a secret: for its file.
    std::string_view example;  ///< As in the environment.
    std::string_view help;     ///< What it is or does, without a full stop.

    [[nodiscard]] std::string_view section() const { return name.substr(0, name.rfind('.')); }
    [[nodiscard]] std::string_view key() const { return name.substr(name.rfind('.') + 1); }
};

/// A table of the file, or one that may be there several times: its name ends in `[]` then.
struct section {
    std::string_view name;
    std::size_t (*size)(const settings& from);             ///< Null: it is there once.
    void (*resize)(settings& into, std::size_t elements);  ///< New ones have the defaults.
    std::string_view help;
};

/// All keys, section by section, in the order of `sections`.
[[nodiscard]] std::span<const row> rows() noexcept;
[[nodiscard]] std::span<const section> sections() noexcept;

/// A key as users write it, `listen[0].port`, in terms of the table: `listen[].port` and 0.
struct key_name {
    std::string pattern;
    std::size_t index = 0;
};
[[nodiscard]] key_name parse_key(std::string_view key);
/// The reverse.
[[nodiscard]] std::string concrete(std::string_view pattern, std::size_t index);

/// Nothing for a key that there is not.
[[nodiscard]] const row* find_row(std::string_view pattern) noexcept;
[[nodiscard]] const row* row_of_flag(std::string_view flag) noexcept;
[[nodiscard]] const section* find_section(std::string_view name) noexcept;
/// What may have been meant; empty when nothing comes near.
[[nodiscard]] std::string_view nearest(std::string_view pattern);
/// `WEFT_LISTEN__0__PORT`.
[[nodiscard]] std::string environment_name(std::string_view pattern);

/// The settings that nobody has changed, with one element in each list: where defaults are read.
[[nodiscard]] const settings& defaults();

}  // namespace weft::config
