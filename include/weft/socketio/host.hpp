#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <weft/base/function_ref.hpp>
#include <weft/base/log.hpp>
#include <weft/base/metrics.hpp>
#include <weft/base/result.hpp>

namespace weft::auth {
class verifier;
}
namespace weft::engineio {
class session_carrier;
}
namespace weft::http {
class router;
}
namespace weft::net {
struct slot_walk;
}
namespace weft::ws {
class connection_shared;
}

namespace weft::socketio {

class adapter;

/// A protocol of a server beside HTTP and WebSocket. The library implements it.
class module {
public:
    module() = default;
    module(const module&) = delete;
    module& operator=(const module&) = delete;
    virtual ~module() = default;

    /// Gets what the sessions of each loop share. Called before the loops run, and again if there
    /// are more loops. **Errors**: which option is wrong.
    [[nodiscard]] virtual result<void> prepare(
        const std::vector<ws::connection_shared*>& loops) = 0;
    /// The server begins to run: refuse registrations from now on.
    virtual void seal() noexcept = 0;
    /// How many clients there are. **Threads**: any.
    [[nodiscard]] virtual std::size_t clients() const noexcept = 0;
    /// For a drain, on the thread of a loop: the clients there whom no WebSocket carries, and the
    /// end of those of any kind in the next `slots` slots of a walk. Returns how many those were.
    [[nodiscard]] virtual std::size_t polling(std::uint8_t loop) const noexcept = 0;
    virtual std::size_t close_some(std::uint8_t loop, net::slot_walk& walk,
                                   std::size_t slots) noexcept = 0;
    /// Everything is closed and no loop runs: forgets the loops.
    virtual void shut_down() noexcept = 0;
    /// Calls `use` with each verifier that a namespace requires.
    virtual void each_verifier(function_ref<void(const auth::verifier&)> use) const = 0;
    /// **Threads**: any.
    virtual void visit_metrics(metric_visitor visit) const = 0;
};

/// What a `socketio::server` is part of: a `weft::server` or a test.
class host {
public:
    host(const host&) = delete;
    host& operator=(const host&) = delete;

    /// Modules add their routes here.
    [[nodiscard]] virtual http::router& routes() noexcept = 0;
    [[nodiscard]] virtual log_sink* log() const noexcept = 0;
    /// Keeps the module until the host ends. Returns its number.
    virtual std::size_t attach(std::shared_ptr<module> what) = 0;
    /// The adapter of a Socket.IO server whose options name none; null: it takes part in no
    /// cluster.
    [[nodiscard]] virtual std::shared_ptr<adapter> make_adapter() { return nullptr; }
    /// Who knows of sessions of other processes; null: nobody.
    [[nodiscard]] virtual engineio::session_carrier* carrier() noexcept { return nullptr; }

protected:
    host() = default;
    ~host() = default;
};

}  // namespace weft::socketio
