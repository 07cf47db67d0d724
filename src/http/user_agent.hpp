#pragma once

#include <string_view>

namespace weft::http {

/// "weft/VERSION": what our clients call themselves unless the user's headers say otherwise.
extern const std::string_view user_agent;

}  // namespace weft::http
