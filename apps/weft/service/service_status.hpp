#pragma once

#include <weft/net/loop.hpp>
#include <weft/server/server.hpp>

#include "notify_socket.hpp"

namespace weft {

/// Tells the service manager how a server is: ready once it runs, why it is not, stopping while it
/// drains, and alive as long as its first loop turns.
/// **Threads**: made and destroyed by the one that runs the server; the rest happens on its first
/// loop. **Lifetime**: outlived by the server.
class service_status {
public:
    service_status(server& about, const notify_socket& manager);
    service_status(const service_status&) = delete;
    service_status& operator=(const service_status&) = delete;
    /// The server has ended.
    ~service_status();

private:
    void look();
    void tell_stopping();

    server& about_;
    const notify_socket& manager_;
    bool stopping_ = false;
};

}  // namespace weft
