#pragma once

#include <cstdint>
#include <string>
#include <thread>

#include <weft/server/server.hpp>

namespace weft {

/// A small server beside the one of a command, at an address of its own and in a thread of its own.
/// **Lifetime**: ends when destroyed; before what its routes refer to.
class side_server {
public:
    explicit side_server(server_options options) : own_(std::move(options)) {}
    side_server(const side_server&) = delete;
    side_server& operator=(const side_server&) = delete;
    ~side_server();

    /// Its routes. Add them before `start`.
    [[nodiscard]] http::router& http() noexcept { return own_.http(); }
    [[nodiscard]] loop_ref loop() const { return own_.loop(0); }
    /// Listens and begins to answer. Returns the port. **Errors**: the system's.
    result<std::uint16_t> start(const std::string& host, std::uint16_t port);

private:
    server own_;
    std::thread thread_;
};

}  // namespace weft
