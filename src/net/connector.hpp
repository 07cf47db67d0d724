#pragma once

#include <cstddef>
#include <vector>

#include "net/loop_core.hpp"

namespace weft::net {

/// What a connection attempt carries from address to address.
struct connect_job {
    connect_options to;
    unique_function<void(result<byte_stream*>)> done;
    std::vector<socket_address> addresses{};
    std::size_t next = 0;
    time_point deadline{};
};

}  // namespace weft::net
