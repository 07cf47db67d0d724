#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.hpp"
#include "config/table.hpp"

namespace weft::config {

/// A flag of the command line that sets a key, with all that it was given.
struct given_flag {
    const row* sets;
    std::vector<std::string> values;  ///< None: the flag alone, which means true.
};

/// Where settings come from. The later ones win: the file, the environment, `--set`, flags.
struct sources {
    settings initial{};
    std::string file{};  ///< Empty: none.
    /// What is in the file, if that is known already.
    std::optional<std::string> text{};
    /// `NAME=VALUE`: names with two underscores between section and key count,
    /// `WEFT_LISTEN__0__PORT`. `${env:NAME}` in the file is looked up here, too.
    std::vector<std::string> environment{};
    std::vector<std::string> sets{};  ///< `listen[0].port=8443`.
    std::vector<given_flag> flags{};
    std::string folder{};                ///< Served at `/`.
    std::vector<std::string> schemas{};  ///< `PATTERN=FILE`, before those of the file.
};

/// The variables of this process.
[[nodiscard]] std::vector<std::string> process_environment();

/// Settings, or what is wrong with them.
struct loaded {
    settings values{};
    /// Where each key that was given has its value from: `weft.toml:7`, `--port`.
    std::map<std::string, std::string, std::less<>> origins{};
    /// Each a line: `weft.toml:7: listen[0].prot: unknown key; did you mean 'listen[0].port'?`
    std::vector<std::string> problems{};

    /// Adds a problem of a key, with its origin. A key that was not given is named all the same.
    void complain(const std::string& key, const std::string& what);
    /// What whoever said `like` calls a key: by its flag, if that was said by a flag.
    [[nodiscard]] std::string called(std::string_view key, std::string_view like) const;
};

/// Reads all sources. It looks at each value alone, and opens no file but the one of the settings.
[[nodiscard]] loaded load(const sources& from);

}  // namespace weft::config
