#pragma once

#include <string_view>

#include <weft/base/bytes.hpp>

#include "cluster/adapter/proto/message.hpp"

namespace weft::cluster::classic {

/// Reads a broadcast as Node writes most of them: short, with its members in full and each once,
/// without flags, binary values and placeholders. False: it is another one, or broken; `out` then
/// has a part of it, and `decode_any_broadcast` says what it is.
///
/// It spares the way over JSON text, which is two thirds of the instructions between Redis and a
/// client (bench/load/cluster_cost.py).
[[nodiscard]] bool read_plain_broadcast(byte_view body, std::string_view nsp,
                                        const message_limits& limits, adapter_message& out);

}  // namespace weft::cluster::classic
