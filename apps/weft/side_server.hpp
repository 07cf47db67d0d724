#pragma once

#include <cstdint>
#include <string>
#include <thread>

#include <weft/server/server.hpp>

namespace weft {

/// Serves `/metrics` of another server (Prometheus text) at an address of its own, in a thread of
/// its own. **Lifetime**: ends when destroyed; before the server that it tells of.
class metrics_listener {
public:
    metrics_listener(const server& watched, server_options options);
    metrics_listener(const metrics_listener&) = delete;
    metrics_listener& operator=(const metrics_listener&) = delete;
    ~metrics_listener();

    /// Listens and begins to answer. Returns the port. **Errors**: the system's.
    result<std::uint16_t> start(const std::string& host, std::uint16_t port);

private:
    server own_;
    std::thread thread_;
};

}  // namespace weft
