#pragma once

#include <cstdint>

namespace weft::ws {

/// Which piece of a message a fragment is. **See**: RFC 6455 section 5.4.
enum class fragment : std::uint8_t {
    more,  ///< Others follow.
    last,  ///< The message ends with it.
};

}  // namespace weft::ws
