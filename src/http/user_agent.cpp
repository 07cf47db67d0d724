// The one place that is compiled again when the version changes.

#include "http/user_agent.hpp"

namespace weft::http {

const std::string_view user_agent = "weft/" WEFT_VERSION;

}  // namespace weft::http
