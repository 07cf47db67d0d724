#pragma once

#include <memory>
#include <vector>

#include <weft/base/log.hpp>
#include <weft/base/metrics.hpp>
#include <weft/base/result.hpp>

namespace weft::http {
class router;
}
namespace weft::ws {
class session_shared;
}

namespace weft::socketio {

/// A protocol that a server carries beside HTTP and WebSocket. Implemented by the library.
class module {
public:
    module() = default;
    module(const module&) = delete;
    module& operator=(const module&) = delete;
    virtual ~module() = default;

    /// Gets what the loops share, by loop; before they run, again when there are more.
    /// **Errors**: of the set-up, with the option that is wrong.
    [[nodiscard]] virtual result<void> prepare(const std::vector<ws::session_shared*>& loops) = 0;
    /// The server runs from now on: what is registered later is refused.
    virtual void seal() noexcept = 0;
    /// The server goes away: refuses new peers and takes leave of the others. **Threads**: any.
    virtual void drain() = 0;
    /// Everything is closed and no loop runs any more: forgets the loops.
    virtual void shut_down() noexcept = 0;
    /// **Threads**: any.
    virtual void visit_metrics(metric_visitor visit) const = 0;
};

/// What a `socketio::server` is part of: `weft::server`, or a test.
class host {
public:
    host(const host&) = delete;
    host& operator=(const host&) = delete;

    /// Where the routes of a module go.
    [[nodiscard]] virtual http::router& routes() noexcept = 0;
    [[nodiscard]] virtual log_sink* log() const noexcept = 0;
    /// Shares the module's ownership until the host ends. Returns its number.
    virtual std::size_t attach(std::shared_ptr<module> what) = 0;

protected:
    host() = default;
    ~host() = default;
};

}  // namespace weft::socketio
