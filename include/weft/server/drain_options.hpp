#pragma once

#include <chrono>

#include <weft/base/result.hpp>
#include <weft/base/time.hpp>

namespace weft {

/// How a server ends, so that its clients find another one and do not all come there at once.
struct drain_options {
    /// For so long `server::ready` says no while everything goes on as before, new connections
    /// included: until the load balancers have noticed.
    duration not_ready_for = std::chrono::seconds(0);
    /// Then those who are connected are let go one by one, evenly over this time. 0: all at once.
    duration window = std::chrono::seconds(0);
    /// Whoever is still there so long after `not_ready_for` is cut. At least `window`.
    duration deadline = std::chrono::seconds(10);
    /// Each of them is told to come back at another moment within this time: WebSockets in the
    /// reason of their close ("server shutting down, retry after 1234 ms"), event streams by
    /// `retry`, refused requests by `Retry-After`. 0: no moment is told.
    duration retry_within = std::chrono::seconds(0);

    /// **Errors**: `invalid_argument`. Says which option is wrong and what it may be.
    [[nodiscard]] result<void> check() const;
};

}  // namespace weft
