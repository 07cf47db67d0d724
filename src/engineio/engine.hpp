#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include <weft/base/metrics.hpp>
#include <weft/base/result.hpp>
#include <weft/base/unique_function.hpp>
#include <weft/engineio/options.hpp>
#include <weft/http/router.hpp>

#include "engineio/session.hpp"
#include "ws/connection_core.hpp"

namespace weft::engineio {

class session_carrier;
class shard;

/// Engine.IO on the routes of a server: one shard of sessions per loop.
///
/// Set it up in this order: `prepare`, `on_session`, `add_routes`, `set_loops`. **Lifetime**:
/// `shut_down` after the loops were shut down and before they die; the router's handlers borrow it.
class engine {
public:
    explicit engine(options chosen);
    ~engine();
    engine(const engine&) = delete;
    engine& operator=(const engine&) = delete;

    /// Checks the options. **Errors**: says which one is wrong.
    [[nodiscard]] result<void> prepare();
    /// What lives on a session; called on its loop, when it opens.
    void on_session(unique_function<std::unique_ptr<session_user>(session&)> make);
    /// Who comes when too many connect may prove by its first messages that it resumes something,
    /// until its peer is no longer `only_resumes`.
    void expect_resumers() noexcept;
    /// Whom requests about sessions of other processes go by, and whose tag our ids end with.
    /// Before the loops run. **Lifetime**: `carrier` outlives the engine.
    void carry_by(session_carrier& carrier) noexcept;
    /// Everything under `options::path`; routes that are more specific win. **Errors**: the
    /// router's.
    [[nodiscard]] result<void> add_routes(http::router& router);
    /// Adds to an answer beside those of sessions what browsers of other origins need to see;
    /// nothing without `options::cors`. After `prepare`. **Threads**: any loop's.
    void write_cors(const http::request& asked, http::response& response) const;
    /// The answer to an OPTIONS request; `options::cors` is set. **Threads**: any loop's.
    [[nodiscard]] http::response preflight(const http::request& asked) const;
    /// What the sessions of each loop share. Before the loops run.
    void set_loops(const std::vector<ws::connection_shared*>& loops);

    /// **Threads**: only that of the session's loop. Null when it is gone.
    [[nodiscard]] session* find(session_id name) noexcept;
    /// Calls `use` for each session of a loop, on its thread.
    void for_each(std::uint8_t loop, function_ref<void(session&)> use);
    /// How many sessions there are. **Threads**: any.
    [[nodiscard]] std::size_t sessions() const noexcept;

    /// For a drain, on the thread of a loop: the sessions that no WebSocket carries, and the end of
    /// those of any kind in the next `slots` slots of a walk. Returns how many those were.
    [[nodiscard]] std::size_t polling(std::uint8_t loop) const noexcept;
    std::size_t close_some(std::uint8_t loop, net::slot_walk& walk, std::size_t slots) noexcept;
    /// Ends what is left and tells the users.
    void shut_down() noexcept;
    void visit_metrics(metric_visitor visitor) const;
    [[nodiscard]] const options& settings() const noexcept;

private:
    struct impl;
    std::unique_ptr<impl> impl_;
};

}  // namespace weft::engineio
