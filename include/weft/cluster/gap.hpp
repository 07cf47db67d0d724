#pragma once

#include <cstdint>

namespace weft::cluster {

/// When messages of other nodes may have been missed.
enum class gap : std::uint8_t {
    begins,  ///< The connection to Redis was lost.
    ends,    ///< All subscriptions are in place again; what was published between did not come.
};

}  // namespace weft::cluster
