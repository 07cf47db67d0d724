#pragma once

#include <cstddef>

namespace weft::net {

// What costly steps spend of `loop_core::work_left`, in the units of
// `loop_budgets::connection_work`: about nanoseconds. A byte that is inflated is one.

inline constexpr std::size_t message_work = 256;         ///< A message or packet for its handler.
inline constexpr std::size_t compressed_byte_work = 4;   ///< A byte of what we compress.
inline constexpr std::size_t delivery_work = 256;        ///< One that is published, per subscriber.
inline constexpr std::size_t request_work = 4 * 1024;    ///< An HTTP request.
inline constexpr std::size_t session_work = 32 * 1024;   ///< A new Engine.IO session.
inline constexpr std::size_t bytes_copied_per_work = 4;  ///< Received, or read from a file.

}  // namespace weft::net
