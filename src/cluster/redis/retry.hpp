#pragma once

#include <cstdint>

#include <weft/base/time.hpp>
#include <weft/cluster/redis_options.hpp>

namespace weft::cluster::redis {

/// From the beginning of one attempt to that of the next, after `failures` failures in a row (0: a
/// connection was lost). `random` is any 32 bits.
[[nodiscard]] duration pause_before_retry(const redis_options& how, unsigned failures,
                                          std::uint32_t random) noexcept;

}  // namespace weft::cluster::redis
