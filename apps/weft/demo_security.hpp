#pragma once

#include <string>

#include <weft/base/result.hpp>
#include <weft/server/server.hpp>
#include <weft/socketio/server.hpp>

#include "demo_log.hpp"
#include "side_server.hpp"

namespace weft {

/// A page of another origin: a second port of this machine, which nobody else reaches.
class foreign_page {
public:
    explicit foreign_page(log_sink& log);

    /// Serves it. Without a port for it, it is not there.
    void start();
    /// Where it is; empty if it is not there.
    [[nodiscard]] const std::string& url() const noexcept { return url_; }

private:
    side_server server_;
    std::string url_;
};

/// Adds what web/security.html talks to, below /security/: a login; a route, a WebSocket and a
/// namespace for those who have its token; orders that a schema checks; a WebSocket with a rate;
/// and what the log and the counters say of all that, as an event stream.
/// **Lifetime**: the log and the page outlive the server. **Errors**: the system's; it has no
/// random bytes.
result<void> add_security(server& target, socketio::server& io, const demo_log& log,
                          const foreign_page& foreign);

}  // namespace weft
