#pragma once

#include <string>
#include <vector>

#include "config/settings.hpp"
#include "config/table.hpp"

namespace weft::config {

/// One thing that is other in new settings.
struct changed_key {
    std::string text;  ///< `server.threads: 1, now 4`. No secrets.
    change counts;
};

/// What is other, in the order of the table. Tables that came or went are told as such.
[[nodiscard]] std::vector<changed_key> difference(const settings& before, const settings& after);

/// Takes from `after` what a reload can apply; all else stays.
void take_over(settings& running, const settings& after);

}  // namespace weft::config
