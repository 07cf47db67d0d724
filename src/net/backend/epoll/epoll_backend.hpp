#pragma once

#include <memory>

#include "net/backend/backend.hpp"

namespace weft::net {

/// The backend that always works on Linux. **Errors**: the system's.
result<std::unique_ptr<backend>> make_epoll_backend();

}  // namespace weft::net
