#pragma once

#include <cstdint>
#include <string_view>

namespace weft::cluster::redis {

inline constexpr std::size_t slot_count = 16384;

/// Which part of a Redis Cluster has this key or shard channel: the CRC16 of its hash tag, which is
/// what stands between the first { and the next } unless that is nothing; else of all of it.
/// **See**: the Redis Cluster specification, "Key distribution model".
[[nodiscard]] std::uint16_t slot_of(std::string_view key) noexcept;

}  // namespace weft::cluster::redis
